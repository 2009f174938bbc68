/** Embeddings to the bytes that are stored, and back. What a network sees of a stored embedding is always what `decodeEmbedding` gives. */
import { Problem, scope, send, Tensor } from "@adsam/torch";
import type { EmbeddingStorage } from "../data/embeddings/description.js";

type Device = Parameters<typeof send>[1];

/**
 * float16 and bfloat16 round to the nearest. int8 divides each channel's range, from its least to its largest value, into 255 steps:
 * scales [C], offsets [C] (float32), then the steps [C, h, w]; value = step · scale + offset. A range that need not have 0 in its middle
 * never has larger steps than one that must, and channels of SAM's embedding lie to one side of 0.
 * @param embedding [C, h, w], floating
 * @throws Problem for values that are not finite, or too large for float16
 */
export function encodeEmbedding(embedding: Tensor, storage: EmbeddingStorage): Uint8Array {
  const [channels, height, width] = embedding.dims3("embedding");
  if ([channels, height, width].join() !== storage.shape.join())
    throw new Problem({
      what: "embedding",
      found: `shape [${embedding.shape.join(", ")}]`,
      expected: `[${storage.shape.join(", ")}]`,
    });
  return scope(() => {
    const exact = embedding.detach().to({ dtype: "float32", device: "cpu" }).contiguous();
    refuseNotFinite(
      exact,
      "the encoder gave",
      "Are its weights those of a trained network, and was it computed in float16?",
    );
    if (storage.dtype === "int8") return encodeSteps(exact);
    const rounded = exact.to({ dtype: storage.dtype });
    refuseNotFinite(rounded, "in float16 it has", "Store it as bfloat16 or int8.");
    return Uint8Array.from(rounded.bytes());
  });
}

function refuseNotFinite(embedding: Tensor, whose: string, todo: string): void {
  if (embedding.isfinite().all().item() === 1) return;
  throw new Problem({ what: "embedding", found: `${whose} values that are not finite`, todo });
}

function encodeSteps(exact: Tensor): Uint8Array {
  const channels = exact.size(0);
  const flat = exact.reshape([channels, -1]);
  const least = flat.amin({ dim: 1 });
  const scale = flat.amax({ dim: 1 }).sub(least).div(255); // [C]; 0 for a channel of one value, which is all offset
  const divisor = scale.gt(0).where(scale, 1).unsqueeze(1);
  const steps = flat.sub(least.unsqueeze(1)).div(divisor).round().sub(128).clamp({ min: -128, max: 127 });
  const offset = least.add(scale.mul(128));
  const parts = [scale.bytes(), offset.bytes(), steps.to({ dtype: "int8" }).bytes()];
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * @param payload of `encodeEmbedding`; not used after the call
 * @returns [C, h, w], float32
 */
export function decodeEmbedding(
  payload: Uint8Array,
  { dtype, shape }: EmbeddingStorage,
  { device = "cpu" }: { readonly device?: Device } = {},
): Tensor {
  const bytes = payload.byteOffset % 4 === 0 ? payload : Uint8Array.from(payload);
  return scope(() => {
    if (dtype !== "int8") {
      const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
      return send(Tensor.share(bits, shape, { dtype }), device).to({ dtype: "float32" });
    }
    const [channels] = shape;
    const [scale, offset] = [0, 1].map((part) => {
      const values = new Float32Array(bytes.buffer, bytes.byteOffset + part * channels * 4, channels);
      return send(Tensor.share(values, [channels, 1, 1]), device).clone();
    }) as [Tensor, Tensor];
    const steps = new Int8Array(bytes.buffer, bytes.byteOffset + channels * 8, bytes.length - channels * 8);
    return send(Tensor.share(steps, shape), device).to({ dtype: "float32" }).mul_(scale).add_(offset);
  });
}

/** What storing changes: ‖stored − computed‖ / ‖computed‖ over all values, 0 for an embedding of zeros that stayed so. */
export function relativeError(stored: Tensor, computed: Tensor): number {
  return scope(() => {
    const exact = computed.detach().to({ dtype: "float32", device: "cpu" });
    const norm = (tensor: Tensor) => tensor.linalgVectorNorm({ dtype: "float64" }).item();
    const difference = norm(stored.to({ device: "cpu" }).sub(exact));
    return difference === 0 ? 0 : difference / norm(exact);
  });
}

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { scope, Tensor } from "@adsam/torch";
import { type EmbeddingStorage, type StorageDtype, storageDtypes } from "../src/data/embeddings/description.js";
import { payloadBytes } from "../src/data/embeddings/record.js";
import { decodeEmbedding, encodeEmbedding, relativeError } from "../src/embed/codec.js";

const shape = [7, 5, 3] as const;
const storage = (dtype: StorageDtype): EmbeddingStorage => ({ dtype, shape });

/** Channels of different spread, each to one side of 0 by three of its deviations. */
function embedding(): Tensor {
  const [channels, height, width] = shape;
  let state = 7;
  const normal = () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    return sum;
  };
  const values = Float32Array.from({ length: channels * height * width }, (_, i) => {
    const channel = Math.floor(i / (height * width));
    return 2 ** (channel - 3) * (normal() + (channel % 2 === 0 ? 3 : -3));
  });
  return Tensor.from(values, shape);
}

const roundTrip = (values: Tensor, dtype: StorageDtype): Tensor =>
  decodeEmbedding(encodeEmbedding(values, storage(dtype)), storage(dtype));

describe("storing an embedding", () => {
  const bounds = { float16: 2 ** -11, bfloat16: 2 ** -8, int8: 0.006 }; // relative L2

  for (const dtype of storageDtypes)
    test(`${dtype}: as many bytes as said, and the error that its bits allow`, () =>
      scope(() => {
        const exact = embedding();
        const payload = encodeEmbedding(exact, storage(dtype));
        assert.equal(payload.length, payloadBytes(storage(dtype)));
        const stored = decodeEmbedding(payload, storage(dtype));
        assert.deepEqual([stored.shape, stored.dtype], [[...shape], "float32"]);
        const error = relativeError(stored, exact);
        assert.ok(error > bounds[dtype] / 20 && error < bounds[dtype], `${error}`);
      }));

  for (const dtype of ["float16", "bfloat16"] as const)
    test(`${dtype}: each value is libtorch's rounding, and storing it again changes nothing`, () =>
      scope(() => {
        const stored = roundTrip(embedding(), dtype);
        assert.deepEqual(stored.toArray(), embedding().to({ dtype }).to({ dtype: "float32" }).toArray());
        assert.deepEqual(roundTrip(stored, dtype).toArray(), stored.toArray());
      }));

  test("int8: no value is off by more than half a step of its channel, and a range around 0 would be worse", () =>
    scope(() => {
      const exact = embedding();
      const stored = roundTrip(exact, "int8");
      let symmetric = 0;
      for (let c = 0; c < shape[0]; c++) {
        const [channel, found] = [exact.select(0, c), stored.select(0, c)];
        const range = channel.amax().item() - channel.amin().item();
        assert.ok(found.sub(channel).abs().amax().item() <= (range / 255 / 2) * 1.001);
        const step = channel.abs().amax().item() / 127;
        symmetric += channel.div(step).round().mul(step).sub(channel).square().sum().item();
      }
      assert.ok(relativeError(stored, exact) < Math.sqrt(symmetric) / exact.linalgVectorNorm().item() / 1.2);
    }));

  test("int8: channels of one value, of 0, and of two values are exact", () =>
    scope(() => {
      const values = new Float32Array(7 * 15);
      values.fill(-3.25, 15, 30).fill(1e-30, 30, 45);
      for (let i = 45; i < 60; i++) values[i] = i % 2 === 0 ? 0 : 255;
      const exact = Tensor.from(values, shape);
      assert.deepEqual(roundTrip(exact, "int8").toArray(), values);
      assert.equal(relativeError(exact.mul(0), exact.mul(0)), 0);
    }));

  test("what is read does not stand on the bytes it was read from", () =>
    scope(() => {
      for (const dtype of storageDtypes) {
        const payload = encodeEmbedding(embedding(), storage(dtype));
        const stored = decodeEmbedding(payload, storage(dtype));
        const before = stored.toArray();
        payload.fill(0);
        assert.deepEqual(stored.toArray(), before);
        const shifted = new Uint8Array(payload.length + 1).subarray(1); // at an odd place in memory
        shifted.set(encodeEmbedding(embedding(), storage(dtype)));
        assert.deepEqual(decodeEmbedding(shifted, storage(dtype)).toArray(), before);
      }
    }));

  test("what cannot be stored is refused", () =>
    scope(() => {
      const put = (value: number) => {
        const values = embedding().toArray() as Float32Array;
        values[50] = value;
        return Tensor.from(values, shape);
      };
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
        for (const dtype of storageDtypes)
          assert.throws(
            () => encodeEmbedding(put(value), storage(dtype)),
            /the encoder gave values that are not finite/,
          );
      assert.throws(
        () => encodeEmbedding(put(70_000), storage("float16")),
        /in float16 it has .+ Store it as bfloat16 or int8\./,
      );
      assert.ok(encodeEmbedding(put(70_000), storage("bfloat16")));
      const turned = embedding().permute([0, 2, 1]);
      assert.throws(() => encodeEmbedding(turned, storage("float16")), /found shape \[7, 3, 5\], expected \[7, 5, 3\]/);
    }));

  test("a view that is not contiguous is stored as it reads", () =>
    scope(() => {
      const turned = embedding().permute([0, 2, 1]);
      const other = { dtype: "int8", shape: [7, 3, 5] } as const;
      const stored = decodeEmbedding(encodeEmbedding(turned, other), other);
      assert.deepEqual(stored.permute([0, 2, 1]).contiguous().toArray(), roundTrip(embedding(), "int8").toArray());
    }));
});

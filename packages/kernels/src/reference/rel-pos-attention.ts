import { arange, cat, stack, type Tensor, zeros } from "@adsam/torch";
import type { RelPosAttentionOptions } from "../rel-pos-attention.js";

/**
 * Attention with decomposed relative positions written to be read: one window and head after the other, its logits as a whole. Arguments
 * as for `relPosAttention`, unchecked.
 */
export function relPosAttentionReference(
  qkv: Tensor,
  relPosH: Tensor,
  relPosW: Tensor,
  { numHeads, window, outside }: RelPosAttentionOptions,
): Tensor {
  const [b, h, w, threeC] = qkv.dims4("qkv");
  const dim = threeC / 3 / numHeads;
  const down = Math.ceil(h / window.height);
  const across = Math.ceil(w / window.width);
  const beyond = outside ?? zeros([threeC], { dtype: qkv.dtype });
  const right = beyond.expand([b, h, across * window.width - w, threeC]);
  const below = beyond.expand([b, down * window.height - h, across * window.width, threeC]);
  const map = cat([cat([qkv, right], { dim: 2 }), below], { dim: 1 });
  const rows = table(relPosH, window.height); // [h, h′, D]
  const columns = table(relPosW, window.width); // [w, w′, D]

  const strips: Tensor[] = [];
  for (let y = 0; y < down; y++) {
    const strip: Tensor[] = [];
    for (let x = 0; x < across; x++) {
      const cut = map.narrow(1, y * window.height, window.height).narrow(2, x * window.width, window.width);
      const heads = Array.from({ length: numHeads }, (_, head) => {
        const part = (i: number) => cut.narrow(3, (i * numHeads + head) * dim, dim); // [B, wh, ww, D]
        const [q, k, v] = [part(0), part(1), part(2)];
        const flat = (t: Tensor) => t.reshape([b, window.height * window.width, dim]);
        const logits = flat(q)
          .mul(dim ** -0.5)
          .bmm(flat(k).transpose(1, 2))
          .reshape([b, window.height, window.width, window.height, window.width])
          .add(q.unsqueeze(3).mul(rows.unsqueeze(1)).sum([-1]).unsqueeze(-1)) // [B, wh, ww, wh′, 1]
          .add(q.unsqueeze(3).mul(columns).sum([-1]).unsqueeze(-2)); // [B, wh, ww, 1, ww′]
        const weights = logits.flatten({ startDim: 3 }).flatten({ startDim: 1, endDim: 2 }).softmax(-1);
        return weights.bmm(flat(v)).reshape([b, window.height, window.width, dim]);
      });
      strip.push(cat(heads, { dim: 3 }));
    }
    strips.push(cat(strip, { dim: 2 }));
  }
  return cat(strips, { dim: 1 }).narrow(1, 0, h).narrow(2, 0, w);
}

/** [2·size − 1, D] → [size, size, D]: query position, key position. */
function table(relPos: Tensor, size: number): Tensor {
  const places = Array.from({ length: size }, (_, query) =>
    relPos.indexSelect(
      0,
      arange(size, { dtype: "int64" })
        .neg()
        .add(query + size - 1),
    ),
  );
  return stack(places);
}

import { nn, type Size, scope, type Tensor } from "@adsam/torch";
import type { LabelMap } from "../data/picture.js";

/** Classes enlarged at once: all of them at 2048×1024 would take 160 MB. */
const classesAtOnce = 4;

/**
 * The most likely class of each pixel, decided at the size asked for: logits are enlarged, never labels shrunk. The first of
 * equals wins.
 * @param logits [1, C, h, w], any floating dtype
 */
export function labelMap(logits: Tensor, size: Size): LabelMap {
  const { height, width } = logits.spatialSize("logits");
  return scope(() => {
    const exact = logits.to({ dtype: "float32", device: "cpu" });
    if (height === size.height && width === size.width) return toMap(exact.argmax({ dim: 1 }), size);
    let [best, ids] = enlarged(exact, 0, size);
    for (let first = classesAtOnce; first < exact.size(1); first += classesAtOnce)
      [best, ids] = scope(() => {
        const [value, id] = enlarged(exact, first, size);
        return [best.maximum(value), value.gt(best).where(id, ids)];
      });
    return toMap(ids, size);
  });
}

/** The largest of a few classes and which one it is, at the size asked for: float32 and uint8 [1, H, W]. */
function enlarged(logits: Tensor, first: number, size: Size): [Tensor, Tensor] {
  return scope(() => {
    const classes = logits.narrow(1, first, Math.min(classesAtOnce, logits.size(1) - first));
    const [value, place] = nn.functional.interpolate(classes, { size, mode: "bilinear" }).max(1);
    return [value, place.to({ dtype: "uint8" }).add_(first)];
  });
}

function toMap(ids: Tensor, size: Size): LabelMap {
  return { data: ids.to({ dtype: "uint8" }).toArray() as Uint8Array, size };
}

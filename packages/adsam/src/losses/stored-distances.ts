import { noGrad, scope, stack, type Tensor, zeros } from "@adsam/torch";
import { boundaryDistanceSquares, signedDistance } from "./distances.js";
import type { SurfaceForm } from "./surface.js";

/**
 * The distances of one label map, small. Squared distances between pixels are whole numbers, so int16 holds them exactly up to 181
 * pixels and int32 beyond (from about 2000 pixels on, to a float's precision).
 */
export interface StoredDistances {
  /**
   * `distance`: d² [H, W]. `signed`: [K, H, W] for the K classes present, outside a class's region the squared distance to it, inside
   * minus the squared distance to its outside.
   */
  readonly squares: Tensor;
  /** The classes of the planes, for `signed`. */
  readonly classes: readonly number[];
}

/** Computes the distances of labels [H, W] and packs them. */
export function packDistances(labels: Tensor, form: SurfaceForm, numClasses: number): StoredDistances {
  return noGrad(() =>
    scope(() => {
      if (form === "distance")
        return { squares: packed(boundaryDistanceSquares(labels.unsqueeze(0)).squeeze(0)), classes: [] };
      const wide = labels.to({ dtype: "int64" });
      const classes = presentClasses(wide, numClasses);
      if (classes.length === 0) return { squares: zeros([0, ...labels.shape], { dtype: "int16" }), classes };
      const planes = classes.map((id) =>
        scope(() => {
          const signed = signedDistance(wide.eq(id));
          const inside = signed.sub(1); // there φ = 1 - d
          return signed.gt(0).where(signed.square(), inside.square().neg());
        }),
      );
      return { squares: packed(stack(planes).round()), classes };
    }),
  );
}

/**
 * The distances again, bit for bit as `boundaryDistance` and `signedDistances` give them.
 * @param labels [H, W], whose ignored pixels become 0 in the `signed` form
 * @returns float32 [H, W], or [numClasses, H, W], on the CPU
 */
export function unpackDistances(
  { squares, classes }: StoredDistances,
  form: SurfaceForm,
  labels: Tensor,
  { numClasses, ignoreIndex }: { numClasses: number; ignoreIndex: number },
): Tensor {
  return noGrad(() =>
    scope(() => {
      if (form === "distance") return squares.to({ dtype: "float32" }).sqrt_();
      const all = zeros([numClasses, ...labels.shape]);
      const valid = labels.to({ dtype: "int64", device: "cpu" }).ne(ignoreIndex).to({ dtype: "float32" });
      for (const [plane, id] of classes.entries())
        scope(() => {
          const square = squares.select(0, plane).to({ dtype: "float32" });
          const distance = square.abs().sqrt_();
          const signed = square.gt(0).where(distance, distance.neg().add(1));
          all.select(0, id).copy_(signed.mul_(valid));
        });
      return all;
    }),
  );
}

/** Bytes that a packed map takes. */
export function storedBytes({ squares }: StoredDistances): number {
  return squares.numel * (squares.dtype === "int16" ? 2 : 4);
}

function packed(squares: Tensor): Tensor {
  const small = squares.abs().max().item() <= 32767;
  return squares.to({ dtype: small ? "int16" : "int32", device: "cpu" });
}

/** The classes that occur, in order. @param labels int64 */
function presentClasses(labels: Tensor, numClasses: number): number[] {
  const isClass = labels.ge(0).logicalAnd(labels.lt(numClasses));
  const counts = labels.maskedSelect(isClass).bincount({ minlength: numClasses }).toNumbers();
  return [...counts.keys()].filter((id) => counts[id]! > 0);
}

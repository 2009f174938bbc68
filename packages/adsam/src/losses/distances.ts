import { boundarySquares, distanceTransform } from "@adsam/kernels";
import { scope, stack, type Tensor, zeros } from "@adsam/torch";

/**
 * The pixels beside another label: a neighbour above, below, left or right carries another id. The ignored id is one like any other.
 * @param labels [B, H, W]
 * @returns bool [B, H, W]
 */
export function labelBoundary(labels: Tensor): Tensor {
  return scope(() => {
    const boundary = zeros(labels.shape, { dtype: "bool", device: labels.device });
    for (const dim of [1, 2]) {
      const last = labels.size(dim) - 1;
      const differs = labels.narrow(dim, 1, last).ne(labels.narrow(dim, 0, last));
      for (const start of [0, 1]) {
        const side = boundary.narrow(dim, start, last);
        side.copy_(side.logicalOr(differs));
      }
    }
    return boundary;
  });
}

/**
 * Distance in pixels to the nearest pixel beside another label, itself 0. In a picture of one label there is no such pixel: 0
 * everywhere, as there is no boundary to be far from.
 * @param labels [B, H, W], uint8 or int64
 * @returns float32 [B, H, W]
 */
export function boundaryDistance(labels: Tensor): Tensor {
  return scope(() => boundaryDistanceSquares(labels).to({ dtype: "float32" }).sqrt_());
}

/** Its square, a whole number: int32 [B, H, W]. */
export function boundaryDistanceSquares(labels: Tensor): Tensor {
  return labels.device === "cpu" ? boundarySquares(labels) : boundarySquaresOf(labelBoundary(labels));
}

/** The same from the boundary itself, in plain operators and on any device. @param boundary bool [B, H, W] */
export function boundarySquaresOf(boundary: Tensor): Tensor {
  return scope(() => finite(distanceTransform(boundary.logicalNot())).square().round().to({ dtype: "int32" }));
}

/**
 * Signed distance to the region of one class, as Kervadec et al. compute it: outside the region the distance to its nearest pixel, inside
 * 1 − the distance to the nearest pixel outside, so that the innermost rim counts 0. 0 everywhere where the class is absent or alone.
 * @param region bool [..., H, W]
 * @returns float32 [..., H, W]
 */
export function signedDistance(region: Tensor): Tensor {
  return scope(() => {
    const outside = distanceTransform(region.logicalNot());
    const inside = distanceTransform(region);
    return finite(outside).sub(finite(inside).sub(1).relu());
  });
}

/**
 * The signed distances of all classes; 0 at ignored pixels. An ignored pixel belongs to no class's region.
 * @param labels [B, H, W]
 * @returns float32 [B, C, H, W]
 */
export function signedDistances(
  labels: Tensor,
  { numClasses, ignoreIndex = 255 }: { readonly numClasses: number; readonly ignoreIndex?: number },
): Tensor {
  return scope(() => {
    const wide = labels.to({ dtype: "int64" });
    const valid = wide.ne(ignoreIndex).to({ dtype: "float32" });
    const classes = Array.from({ length: numClasses }, (_, id) => scope(() => signedDistance(wide.eq(id)).mul(valid)));
    return stack(classes, { dim: 1 });
  });
}

/** The distances with 0 in place of infinity, which stands where the picture holds nothing to measure to. Changes its argument. */
function finite(distance: Tensor): Tensor {
  return distance.maskedFill_(distance.isinf(), 0);
}

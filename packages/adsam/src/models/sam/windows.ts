import type { Size, Tensor } from "@adsam/torch";

/** How many windows cover an axis. */
const covering = (length: number, side: number) => Math.ceil(length / side);

/**
 * A map cut into windows, zeros where they reach beyond it at the bottom and at the right.
 * @param tokens [B, H, W, C] @returns [B·windows, h, w, C], row by row; the map itself where one window is all of it
 */
export function splitWindows(tokens: Tensor, window: Size): Tensor {
  const [b, h, w, c] = tokens.dims4("tokens");
  const [down, across] = [covering(h, window.height), covering(w, window.width)];
  const [bottom, right] = [down * window.height - h, across * window.width - w];
  const filled = bottom > 0 || right > 0 ? tokens.pad([0, 0, 0, right, 0, bottom]) : tokens;
  if (down === 1 && across === 1) return filled;
  return filled
    .reshape([b, down, window.height, across, window.width, c])
    .permute([0, 1, 3, 2, 4, 5]) // [B, ny, h, nx, w, C] → [B, ny, nx, h, w, C]
    .flatten({ startDim: 0, endDim: 2 });
}

/** The way back: [B·windows, h, w, C] → [B, H, W, C] */
export function joinWindows(windows: Tensor, window: Size, map: Size): Tensor {
  const [down, across] = [covering(map.height, window.height), covering(map.width, window.width)];
  const [, , , c] = windows.dims4("windows");
  return windows
    .reshape([-1, down, across, window.height, window.width, c])
    .permute([0, 1, 3, 2, 4, 5]) // [B, ny, nx, h, w, C] → [B, ny, h, nx, w, C]
    .reshape([-1, down * window.height, across * window.width, c])
    .narrow(1, 0, map.height)
    .narrow(2, 0, map.width);
}

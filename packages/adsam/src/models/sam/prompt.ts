import { Problem, type Tensor } from "@adsam/torch";
import { type Size, sizeText } from "../../data/picture.js";

/** What is asked of a picture; at least one of points, box and mask. Coordinates in pixels of the picture, (0, 0) its upper left corner. */
export interface SamPrompt {
  /** (x, y) each */
  readonly pointCoords?: readonly (readonly [x: number, y: number])[];
  /** One a point: 1 is on what is meant, 0 is not. */
  readonly pointLabels?: readonly (0 | 1)[];
  /** Around what is meant. */
  readonly box?: readonly [x0: number, y0: number, x1: number, y1: number];
  /** Logits of an earlier answer to refine, [1, 4·grid, 4·grid]: a mask of `lowResMasks`. */
  readonly maskInput?: Tensor;
}

/**
 * @param size of the picture
 * @param options.maskSize side of a low-resolution mask
 * @param options.name how an error begins: "prompt", "prompt 3"
 * @throws Problem for a prompt that asks nothing, lies outside the picture, or is no prompt
 */
export function checkPrompt(
  { pointCoords = [], pointLabels = [], box, maskInput }: SamPrompt,
  size: Size,
  { maskSize, name = "prompt" }: { readonly maskSize: number; readonly name?: string },
): void {
  const refuse = (what: string, found: string, expected: string, todo?: string): never => {
    throw new Problem({ what: `${name}${what}`, found, expected, ...(todo !== undefined && { todo }) });
  };
  const inside = `inside the picture, ${sizeText(size)}`;
  if (pointCoords.length === 0 && box === undefined && maskInput === undefined)
    refuse("", "no point, no box and no mask", "at least one of them", "Say what is meant in the picture.");
  if (pointCoords.length !== pointLabels.length)
    refuse("", `${pointCoords.length} points and ${pointLabels.length} labels`, "one label a point");
  for (const [i, [x, y]] of pointCoords.entries()) {
    const label = pointLabels[i];
    if (label !== 0 && label !== 1)
      refuse(`, point ${i + 1}`, `label ${label}`, "1 (what is meant) or 0 (what is not)");
    if (!(x >= 0 && x < size.width && y >= 0 && y < size.height))
      refuse(`, point ${i + 1}`, `(${x}, ${y})`, inside, "Points are (x, y), from the upper left corner.");
  }
  if (box) {
    const [x0, y0, x1, y1] = box;
    const found = `(${box.join(", ")})`;
    if (box.length !== 4 || !box.every(Number.isFinite)) refuse(", box", found, "four numbers: x0, y0, x1, y1");
    if (x1 <= x0 || y1 <= y0)
      refuse(
        ", box",
        `${found}, ${x1 - x0} wide and ${y1 - y0} high`,
        "a width and a height above 0",
        "A box is its upper left and its lower right corner: x0, y0, x1, y1.",
      );
    if (x0 < 0 || y0 < 0 || x1 > size.width || y1 > size.height) refuse(", box", found, inside);
  }
  if (maskInput && (maskInput.shape.length !== 3 || maskInput.shape.join() !== [1, maskSize, maskSize].join()))
    refuse(
      ", mask",
      `[${maskInput.shape.join(", ")}]`,
      `[1, ${maskSize}, ${maskSize}]`,
      "Give one of the low-resolution masks of an earlier answer.",
    );
}

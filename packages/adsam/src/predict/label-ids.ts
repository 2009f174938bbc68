import { Problem } from "@adsam/torch/problem";
import { type ClassTable, cityscapesClasses, cityscapesLabels, type Rgb } from "../data/labels.js";
import type { LabelMap } from "../data/picture.js";

/** How ids are written: which number stands for each train id, and in which colour a palette shows a number. */
export interface IdForm {
  readonly name: "train ids" | "Cityscapes label ids";
  /** Train id → the number written. */
  readonly numbers: Uint8Array;
  readonly palette: ClassTable;
}

export function trainIds(classes: ClassTable): IdForm {
  return { name: "train ids", numbers: Uint8Array.from({ length: 256 }, (_, k) => k), palette: classes };
}

/** @param what asked for them @throws Problem where the network's classes are not Cityscapes' 19 */
export function requireCityscapesClasses(classes: ClassTable, what: string): void {
  const expected = cityscapesClasses.names;
  if (classes.names.join() === expected.join()) return;
  throw new Problem({
    what,
    found: `a network of ${classes.names.length} classes (${classes.names.slice(0, 4).join(", ")}, …)`,
    expected: `Cityscapes' ${expected.length} (${expected.slice(0, 4).join(", ")}, …)`,
    todo: "Leave it out: the network's own train ids are then written.",
  });
}

/**
 * The ids of Cityscapes' own label pictures (7 road, 8 sidewalk, …), as its benchmark server wants them.
 * @throws Problem where the network's classes are not Cityscapes' 19
 */
export function cityscapesIds(classes: ClassTable, what = "--label-ids"): IdForm {
  requireCityscapesClasses(classes, what);
  const numbers = new Uint8Array(256);
  const names: string[] = [];
  const colours: Rgb[] = [];
  for (const { id, trainId, name, colour, ignored } of cityscapesLabels) {
    if (!ignored) numbers[trainId] = id;
    names[id] = name;
    colours[id] = colour;
  }
  return { name: "Cityscapes label ids", numbers, palette: { names, colours, ignoreIndex: 255 } };
}

export function renumbered({ data, size }: LabelMap, { numbers }: IdForm): LabelMap {
  return { data: data.map((id) => numbers[id]!), size };
}

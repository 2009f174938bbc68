/** What a study asks of its data sets that only the data can tell: parts that are parts, classes that are there. */
import { Problem } from "@adsam/torch/problem";
import { nearestKey } from "../../train/recipe-fields.js";
import type { Study } from "../plan/read.js";

/** @throws Problem for a part of a training split that is as large as the split, or larger: it would be told as a part, and be all of it */
export function requireParts(study: Study, data: string, splitSize: number): void {
  const { title, trainSplit } = study.data[data]!;
  for (const [name, { pictures = [], train }] of Object.entries(study.experiments)) {
    if (!train.includes(data)) continue;
    const place = pictures.findIndex((size) => size !== "all" && size >= splitSize);
    if (place < 0) continue;
    const key = ["experiments", name, "pictures"];
    throw new Problem({
      what: `study ${study.at([...key, place])}, key "${key.join(".")}"`,
      found: `${pictures[place]} pictures of ${title}, whose split "${trainSplit}" has ${splitSize}`,
      expected: `fewer than ${splitSize}`,
      todo: "`all` trains on the whole split.",
    });
  }
}

/**
 * @param classesOf names of a data set's classes; undefined where they are not known
 * @throws Problem for a class that an experiment names and that none of its data sets has, where all of them are known
 */
export function requireClasses(study: Study, classesOf: (data: string) => readonly string[] | undefined): void {
  for (const [name, { classes = [], train, test = [] }] of Object.entries(study.experiments)) {
    const sets = [...new Set([...train, ...test])];
    const known = sets.map(classesOf);
    if (known.includes(undefined)) continue;
    const names = [...new Set(known.flatMap((one) => one!))];
    const place = classes.findIndex((one) => !names.includes(one));
    if (place < 0) continue;
    const key = ["experiments", name, "classes"];
    const near = nearestKey(classes[place]!, names);
    throw new Problem({
      what: `study ${study.at([...key, place])}, key "${key.join(".")}"`,
      found: `the unknown class "${classes[place]}"`,
      expected: `classes of ${sets.map((set) => study.data[set]!.title).join(", ")}: ${names.join(", ")}`,
      ...(near !== undefined && names.includes(near) && { todo: `Did you mean "${near}"?` }),
    });
  }
}

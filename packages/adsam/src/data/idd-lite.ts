/**
 * IDD and IDD-Lite (Varma et al., WACV 2019): `leftImg8bit/<split>/<drive>/<id>_image.jpg` (or `<id>_leftImg8bit.png`) beside
 * `gtFine/<split>/<drive>/<id>_label.png` of the seven classes of its first level.
 *
 * Where there is no folder `val`, the last tenth of the drives of `train` by name (rounded up, in the order of UTF-16 code units: `10` before
 * `2`) is the validation split and the others are the training split: whole drives, because pictures of one drive are near-copies.
 */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { type Dataset, missingFolder, pair } from "./dataset.js";
import { foldersIn, isFolder, listFiles } from "./files.js";
import { iddLiteClasses, iddLiteLabels, idToTrainId } from "./labels.js";

const pictureName = /^(.*)_(?:image|leftImg8bit)\.(?:png|jpg|jpeg)$/i;
const iddLitePicture = /_image\.(?:png|jpg|jpeg)$/i;
/** Not `<id>_inst_label.png`, the instances of the same picture. */
const labelName = /^(.*)(?<!_inst)_label\.png$/;
/** Share of the drives that validates where the data set says nothing. */
const heldOut = 0.1;

/** Whether `root` looks like IDD: Cityscapes' folders, its own names in them. */
export async function isIddLite(root: string): Promise<boolean> {
  const has = async (folder: string, name: RegExp): Promise<boolean> =>
    (await isFolder(path.join(root, folder))) &&
    (await listFiles(path.join(root, folder))).some((file) => name.test(file));
  return (await has("leftImg8bit", iddLitePicture)) || (await has("gtFine", labelName));
}

/**
 * @param split a folder of `leftImg8bit`: `train`, `val`, `test` (which has no labels); or `val`, out of `train`.
 * @throws Problem naming the folder that is missing, or where a single drive would have to serve as both splits.
 */
export async function openIddLite(root: string, split: string): Promise<Dataset> {
  const pictures = path.join(root, "leftImg8bit");
  if (!(await isFolder(pictures))) throw missingFolder("IDD-Lite", "leftImg8bit", root, await foldersIn(root));
  const divided = (split === "train" || split === "val") && !(await isFolder(path.join(pictures, "val")));
  const folder = divided ? "train" : split;
  if (!(await isFolder(path.join(pictures, folder))))
    throw missingFolder("IDD-Lite", `leftImg8bit/${folder}`, root, await foldersIn(pictures));
  const labels = path.join(root, "gtFine", folder);
  if (split !== "test" && !(await isFolder(labels)))
    throw missingFolder("IDD-Lite", `gtFine/${folder}`, root, await foldersIn(root));

  const pictureOf = await filesById(path.join(pictures, folder), pictureName);
  const labelOf = (await isFolder(labels)) ? await filesById(labels, labelName) : new Map<string, string>();
  const table = {
    name: "IDD-Lite",
    root,
    split,
    classes: iddLiteClasses,
    labels: iddLiteLabels,
    labelIdToTrainId: idToTrainId(iddLiteLabels),
  };
  if (!divided) return { ...table, ...pair(pictureOf, labelOf) };
  const { drives, division } = divide(new Set([...pictureOf.keys(), ...labelOf.keys()].map(driveOf)), split, pictures);
  const ofSplit = (files: Map<string, string>) => new Map([...files].filter(([id]) => drives.has(driveOf(id))));
  return { ...table, division, ...pair(ofSplit(pictureOf), ofSplit(labelOf)) };
}

/** `12/024541_image.jpg` → the key `12/024541`. */
async function filesById(folder: string, name: RegExp): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const file of await listFiles(folder)) {
    const id = name.exec(file)?.[1];
    if (id !== undefined) found.set(id, path.join(folder, file));
  }
  return found;
}

const driveOf = (id: string): string => path.posix.dirname(id);

/** The drives of one split of a data set that came without the other, and that in words. */
function divide(all: ReadonlySet<string>, split: string, pictures: string): { drives: Set<string>; division: string } {
  const names = [...all].sort();
  if (names.length < 2)
    throw new Problem({
      what: `IDD-Lite, split "${split}" of "${pictures}"`,
      found: `no folder val, and ${names.length} ${names.length === 1 ? "drive" : "drives"} in train`,
      expected: "a folder val, or two drives or more, the last tenth of which validates",
    });
  const first = names.length - Math.ceil(heldOut * names.length);
  const drives = split === "val" ? names.slice(first) : names.slice(0, first);
  const which = split === "val" ? "last" : "first";
  const division = `there is no folder val: the ${which} ${drives.length} of the ${names.length} drives of train by name, "${drives[0]}" to "${drives.at(-1)}"`;
  return { drives: new Set(drives), division };
}

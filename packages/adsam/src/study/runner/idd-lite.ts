/**
 * IDD-Lite as it is published has labels for its training split alone. A study keeps the last tenth of the drives, by name, for validation:
 * pictures of one drive resemble each other, and a split across drives would score what was learned by heart.
 */
import { lstatSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { foldersIn, isFolder, writeWhole } from "../../data/files.js";
import { makeFolder } from "../../data/make-folder.js";

/** Of the drives, rounded. */
const keptBack = 0.1;

/** Its seven classes, ids 0 to 6. */
const names = ["drivable", "non-drivable", "living things", "vehicles", "roadside objects", "far objects", "sky"];
const colours = [
  [128, 64, 128],
  [244, 35, 232],
  [220, 20, 60],
  [0, 0, 142],
  [220, 220, 0],
  [70, 70, 70],
  [70, 130, 180],
]; // prettier-ignore

/**
 * Links drives into `train` and `val` of a folder with a description; nothing is copied.
 * @param root with `leftImg8bit/train/DRIVE` and `gtFine/train/DRIVE`
 * @param into made; links of an earlier call that lead elsewhere are replaced
 * @returns `into`
 */
export async function linkIddLite(root: string, into: string): Promise<string> {
  const pictures = path.join(root, "leftImg8bit", "train");
  if (!(await isFolder(pictures)))
    throw new Problem({
      what: `IDD-Lite under "${root}"`,
      found: (await foldersIn(root)).slice(0, 8).join(", ") || "nothing",
      expected: "the folders leftImg8bit/train and gtFine/train",
    });
  const drives = (await readdir(pictures)).filter((name) => !name.startsWith(".")).sort();
  const first = drives.length - Math.max(1, Math.round(keptBack * drives.length));
  for (const [i, drive] of drives.entries())
    for (const [folder, source] of [
      ["images", "leftImg8bit"],
      ["labels", "gtFine"],
    ] as const) {
      const split = path.join(into, folder, i < first ? "train" : "val");
      makeFolder(split);
      link(path.resolve(root, source, "train", drive), path.join(split, drive));
    }
  const lists = `names: ${JSON.stringify(names)}\ncolours: ${JSON.stringify(colours)}\n`;
  const suffixes = "imageSuffix: _image\nlabelSuffix: _label\n";
  await writeWhole(path.join(into, "dataset.yaml"), `name: IDD-Lite\n${lists}${suffixes}`);
  return into;
}

function link(target: string, file: string): void {
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && readlinkSync(file) === target) return;
  if (there) rmSync(file, { recursive: true, force: true });
  try {
    symlinkSync(target, file, "dir");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // another process was first
  }
}

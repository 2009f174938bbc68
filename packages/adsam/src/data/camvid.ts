/**
 * CamVid as SegNet published it: `train.txt`, `val.txt`, `test.txt`, each line a picture and its label, beside the folders `train`,
 * `trainannot` and so on. The lists' paths begin with a folder of their author's machine (`/SegNet/CamVid/…`), so a path is found by its end.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { type Dataset, missingFolder, pair, type Sample } from "./dataset.js";
import { foldersIn, isFile, isFolder, listFiles, stem } from "./files.js";
import { camvidClasses, camvidLabels, idToTrainId } from "./labels.js";
import { pictureExtensions } from "./picture.js";

export async function isCamvid(root: string): Promise<boolean> {
  for (const split of ["train", "val", "test"]) if (await isFolder(path.join(root, `${split}annot`))) return true;
  return false;
}

/**
 * @param split `train`, `val` or `test`: `<split>.txt` where it is there, otherwise the folders `<split>` and `<split>annot`.
 * @throws Problem naming a missing folder, or a list's line whose files are not there.
 */
export async function openCamvid(root: string, split: string): Promise<Dataset> {
  const list = path.join(root, `${split}.txt`);
  const pairs = (await isFile(list)) ? await readList(root, list) : await readFolders(root, split);
  return {
    name: "CamVid",
    root,
    split,
    classes: camvidClasses,
    labels: camvidLabels,
    labelIdToTrainId: idToTrainId(camvidLabels),
    ...pairs,
  };
}

type Pairs = Pick<Dataset, "samples" | "strayLabels">;

async function readFolders(root: string, split: string): Promise<Pairs> {
  const pictures = new Map<string, string>();
  const labels = new Map<string, string>();
  for (const [folder, map] of [
    [split, pictures],
    [`${split}annot`, labels],
  ] as const) {
    if (!(await isFolder(path.join(root, folder))))
      throw missingFolder(
        "CamVid (SegNet's form)",
        `${folder} (or the list ${split}.txt)`,
        root,
        await foldersIn(root),
      );
    for (const file of await listFiles(path.join(root, folder)))
      if (pictureExtensions.has(path.extname(file).toLowerCase())) map.set(stem(file), path.join(root, folder, file));
  }
  return pair(pictures, labels);
}

async function readList(root: string, list: string): Promise<Pairs> {
  const samples: Sample[] = [];
  const lines = (await readFile(list, "utf8")).split(/\r?\n/);
  for (const [i, line] of lines.entries()) {
    const [picture, label, ...more] = line.trim().split(/\s+/);
    if (picture === undefined || picture === "") continue;
    const what = `list "${list}", line ${i + 1}`;
    if (label === undefined || more.length > 0)
      throw new Problem({ what, found: `"${line.trim()}"`, expected: "a picture and its label, separated by a space" });
    const [imagePath, labelPath] = [await bySuffix(root, picture), await bySuffix(root, label)];
    if (!imagePath) {
      const expected = `a file under "${root}" whose path ends like it`;
      throw new Problem({
        what,
        found: `"${picture}"`,
        expected,
        todo: "Copy the folders the list speaks of beside it.",
      });
    }
    const id = stem(path.relative(root, imagePath)).split(path.sep).join("/");
    samples.push(labelPath ? { id, imagePath, labelPath } : { id, imagePath });
  }
  const used = new Set(samples.map((sample) => sample.labelPath));
  const folders = new Set(samples.flatMap((sample) => (sample.labelPath ? [path.dirname(sample.labelPath)] : [])));
  const strayLabels: string[] = [];
  for (const folder of folders)
    for (const file of await listFiles(folder)) {
      const label = path.join(folder, file);
      if (!used.has(label)) strayLabels.push(label);
    }
  return { samples, strayLabels };
}

/** The file under `root` with the longest tail of the listed path: `/SegNet/CamVid/train/a.png` → `<root>/train/a.png`. */
async function bySuffix(root: string, listed: string): Promise<string | undefined> {
  const parts = listed.split(/[\\/]+/).filter((part) => part !== "" && part !== "." && part !== "..");
  for (let from = 0; from < parts.length; from++) {
    const file = path.join(root, ...parts.slice(from));
    if (await isFile(file)) return file;
  }
  return undefined;
}

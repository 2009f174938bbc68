/**
 * BDD100K's semantic segmentation: pictures in `images/10k/<split>/*.jpg`, masks of train ids in `labels/sem_seg/masks/<split>/*.png`
 * (the present download) or `labels/sem_seg/<split>/*_train_id.png` (the first one).
 */
import path from "node:path";
import { type Dataset, missingFolder, pair } from "./dataset.js";
import { foldersIn, isFolder, listFiles, stem } from "./files.js";
import { bdd100kLabels, cityscapesClasses, idToTrainId } from "./labels.js";
import { pictureExtensions } from "./picture.js";

const maskName = /^(.*?)(_train_id)?\.png$/;

export async function isBdd100k(root: string): Promise<boolean> {
  return (await isFolder(path.join(root, "images", "10k"))) || (await isFolder(path.join(root, "labels", "sem_seg")));
}

/**
 * @param split a folder of `images/10k`: `train`, `val`, `test` (which has no masks).
 * @throws Problem naming the folder that is missing.
 */
export async function openBdd100k(root: string, split: string): Promise<Dataset> {
  const pictures = path.join(root, "images", "10k", split);
  if (!(await isFolder(pictures))) {
    const inside = path.join(root, "images", "10k");
    const present = (await isFolder(inside)) ? await foldersIn(inside) : await foldersIn(root);
    throw missingFolder("BDD100K", `images/10k/${split}`, root, present);
  }
  const layouts = [path.join("labels", "sem_seg", "masks", split), path.join("labels", "sem_seg", split)];
  let masks: string | undefined;
  for (const layout of layouts)
    if (!masks && (await isFolder(path.join(root, layout)))) masks = path.join(root, layout);
  if (!masks && split !== "test") {
    const inside = path.join(root, "labels", "sem_seg");
    const present = (await isFolder(inside))
      ? (await foldersIn(inside)).map((f) => `labels/sem_seg/${f}`)
      : await foldersIn(root);
    throw missingFolder("BDD100K", layouts.join(" or "), root, present);
  }

  const pictureOf = new Map<string, string>();
  for (const file of await listFiles(pictures))
    if (pictureExtensions.has(path.extname(file).toLowerCase())) pictureOf.set(stem(file), path.join(pictures, file));
  const maskOf = new Map<string, string>();
  for (const file of masks ? await listFiles(masks) : []) {
    const id = maskName.exec(file)?.[1];
    if (id !== undefined) maskOf.set(id, path.join(masks!, file));
  }
  return {
    name: "BDD100K",
    root,
    split,
    classes: cityscapesClasses,
    labels: bdd100kLabels,
    labelIdToTrainId: idToTrainId(bdd100kLabels),
    ...pair(pictureOf, maskOf),
  };
}

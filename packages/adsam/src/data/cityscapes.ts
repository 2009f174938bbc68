/** Cityscapes' layout: `leftImg8bit/<split>/<city>/…_leftImg8bit.png` beside `gtFine/<split>/<city>/…_gtFine_labelIds.png`. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { type Dataset, missingFolder, pair } from "./dataset.js";
import { foldersIn, isFolder, listFiles } from "./files.js";
import { cityscapesClasses, cityscapesLabels, cityscapesTrainIdLabels, idToTrainId } from "./labels.js";

const pictureName = /^(.*)_leftImg8bit\.(png|jpg|jpeg)$/i;
const labelName = /^(.*)_gtFine_label(Ids|TrainIds)\.png$/;

/** Whether `root` looks like Cityscapes: pictures named as the data set names them. */
export async function isCityscapes(root: string): Promise<boolean> {
  if (!(await isFolder(path.join(root, "leftImg8bit")))) return false;
  return (await listFiles(path.join(root, "leftImg8bit"))).some((file) => pictureName.test(file));
}

/**
 * @param split a folder of `leftImg8bit`: `train`, `val`, `test`.
 * @throws Problem naming the folder that is missing, or the split's label files in another form than ids.
 */
export async function openCityscapes(root: string, split: string): Promise<Dataset> {
  const pictures = path.join(root, "leftImg8bit", split);
  if (!(await isFolder(path.join(root, "leftImg8bit"))))
    throw missingFolder("Cityscapes", "leftImg8bit (leftImg8bit_trainvaltest.zip)", root, await foldersIn(root));
  if (!(await isFolder(pictures)))
    throw missingFolder("Cityscapes", `leftImg8bit/${split}`, root, await foldersIn(path.join(root, "leftImg8bit")));
  const labels = path.join(root, "gtFine", split);
  if (split !== "test" && !(await isFolder(labels)))
    throw missingFolder("Cityscapes", `gtFine/${split} (gtFine_trainvaltest.zip)`, root, await foldersIn(root));

  const pictureOf = new Map<string, string>();
  for (const file of await listFiles(pictures)) {
    const id = pictureName.exec(file)?.[1];
    if (id !== undefined) pictureOf.set(id, path.join(pictures, file));
  }
  const byForm = { Ids: new Map<string, string>(), TrainIds: new Map<string, string>() };
  const labelFiles = (await isFolder(labels)) ? await listFiles(labels) : [];
  for (const file of labelFiles) {
    const [, id, form] = labelName.exec(file) ?? [];
    if (id !== undefined) byForm[form as "Ids" | "TrainIds"].set(id, path.join(labels, file));
  }
  if (labelFiles.length > 0 && byForm.Ids.size + byForm.TrainIds.size === 0)
    throw new Problem({
      what: `Cityscapes labels in "${labels}"`,
      found: `${labelFiles.length} files, such as ${path.basename(labelFiles[0]!)}`,
      expected: "files ending in _gtFine_labelIds.png or _gtFine_labelTrainIds.png",
      todo: "Unpack gtFine_trainvaltest.zip as it is; colour pictures can be turned into ids with `adsam data convert`.",
    });
  const useIds = byForm.Ids.size >= byForm.TrainIds.size;
  const table = useIds ? cityscapesLabels : cityscapesTrainIdLabels;
  return {
    name: "Cityscapes",
    root,
    split,
    classes: cityscapesClasses,
    labels: table,
    labelIdToTrainId: idToTrainId(table),
    ...pair(pictureOf, useIds ? byForm.Ids : byForm.TrainIds),
  };
}

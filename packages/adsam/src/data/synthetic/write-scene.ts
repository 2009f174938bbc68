/** One generated scene as two files. */
import { writeWhole } from "../files.js";
import { encodePicture, writeGrey } from "../write-png.js";
import { generateScene, type SceneRequest } from "./generate.js";

export interface SceneFile extends SceneRequest {
  /** PNG or, by its name, JPEG. */
  readonly picture: string;
  readonly label: string;
  readonly labelForm: "labelIds" | "trainIds";
}

export interface WrittenScene {
  readonly description: string;
}

/** Draws the scene and writes its label, then its picture: a picture that is there has its label. */
export async function writeScene(file: SceneFile): Promise<WrittenScene> {
  const { image, label, labelIds, size, description } = generateScene(file);
  await writeGrey(file.label, { data: file.labelForm === "labelIds" ? labelIds : label, size });
  const format = file.picture.endsWith(".jpg") ? "jpeg" : "png";
  await writeWhole(file.picture, await encodePicture({ data: image, size }, format));
  return { description };
}

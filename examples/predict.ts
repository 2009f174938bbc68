/**
 * What a trained network sees in a picture: the classes' colours laid over it, and how much of it each class takes.
 *
 *     npx tsc -b && node examples/dist/predict.js runs/mine/best.pth street.jpg seen.png
 */
import { overlay, Predictor, readPicture, writePicture } from "adsam";

const [checkpoint, file, out = "seen.png"] = process.argv.slice(2);
if (!checkpoint || !file) throw new Error("usage: predict.js CHECKPOINT PICTURE [OVERLAY.png]");

using predictor = Predictor.open(checkpoint);
const picture = await readPicture(file);
const { ids, shares } = predictor.predict(picture); // a class for every pixel, at the picture's own size
await writePicture(out, overlay(picture, ids, predictor.classes));

const seen = Object.entries(shares).filter(([, share]) => share > 0);
for (const [name, share] of seen.sort(([, a], [, b]) => b - a))
  console.log(`${(100 * share).toFixed(1).padStart(5)} %  ${name}`);
console.log(`overlay: ${out}`);

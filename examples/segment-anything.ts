/**
 * One thing cut out of a picture: a point says what is meant, and the answer is asked again as a prompt, which sharpens it.
 *
 *     npx tsc -b && node examples/dist/segment-anything.js street.jpg 410 260 mobile_sam.pt mask.png
 */
import { scope } from "@adsam/torch";
import { openSam, readPicture, SamPredictor, writeGrey } from "adsam";

const [file, x, y, weights, out = "mask.png"] = process.argv.slice(2);
if (!file || !x || !y || !weights) throw new Error("usage: segment-anything.js PICTURE X Y WEIGHTS [MASK.png]");

using sam = openSam(weights); // its tensors tell the encoder
using predictor = new SamPredictor(sam);
predictor.setImage(await readPicture(file));

const point = { pointCoords: [[Number(x), Number(y)]], pointLabels: [1] } as const;
const { inside, predictedIou } = scope(() => {
  const { lowResMasks } = predictor.predict(point); // logits [3, 4·grid, 4·grid]: the whole, a part, a part of that
  const again = { ...point, maskInput: lowResMasks.narrow(0, 0, 1) };
  const { masks, iouPredictions } = predictor.predict(again, { multimaskOutput: false }); // [1, H, W], [1]
  return { inside: masks.toNumbers(), predictedIou: iouPredictions.item() };
});

const data = Uint8Array.from(inside, (value) => 255 * value);
await writeGrey(out, { data, size: predictor.size });
const share = data.reduce((sum, value) => sum + Number(value > 0), 0) / data.length;
console.log(`${(100 * share).toFixed(1)} % of the picture, predicted IoU ${predictedIou.toFixed(2)}: ${out}`);

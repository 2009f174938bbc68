import { Problem, type StoredTensor, scope, type Tensor } from "@adsam/torch";
import { encoderConfig } from "../encoders.js";
import { encoderConfigOf, encoderTitle } from "../published/encoder-config.js";
import { PublishedFile } from "../published/published-file.js";
import { under } from "../published/under.js";
import { relativePositions } from "../sam/relative-position.js";
import { trainedGrid } from "./config.js";
import type { GSam } from "./g-sam.js";

/** SAM's tensors that its authors do not take over: positions that a convolution tells here, and tokens that are of classes here. */
const leftInFile =
  /^(image_encoder\.pos_embed|mask_decoder\.(iou_token|mask_tokens|iou_prediction_head)\..+|pixel_(mean|std))$/;

/** What SAM has no tensors for; the stem's are a ResNet's. */
const ownNames =
  /^(image_encoder\.(cnn_embed\.|pos_embed\.conv\.|input_Adapter\.|blocks\.\d+\.(MLP|refine)_Adapter\.)|positional_encoder\.|mask_decoder\.(iou_token|mask_tokens|iou_prediction_head)\.)/;

/** Masks of SAM, whose perceptrons become those of the first classes. */
const samMasks = 4;

/**
 * SAM's released weights into G-SAM, as its authors do it (`load_from_multi`): every tensor of the same name is taken, the perceptrons of SAM's
 * four masks for the first four classes among them. Tables of relative positions of the blocks that attend globally are interpolated, from 127
 * rows to 63. SAM's absolute positions, its IoU and mask tokens and its IoU head stay in the file; stem, adapters, positions told by convolutions,
 * tokens and the perceptrons of further classes keep the values they have. Where the authors pick global blocks by digits in names, which holds
 * for ViT-B alone, they are picked by what they are.
 * @param path a file of the whole of SAM, Meta's or Hugging Face's
 * @throws Problem where the file holds no SAM or one of another size; nothing is changed then
 */
export function loadSamIntoGSam(network: GSam, path: string): void {
  using file = new PublishedFile(path);
  const what = `checkpoint "${path}" (${file.title})`;
  const { tensors, nameInFile } = file.part("sam");
  requireSameEncoder(network, tensors, what);
  const mlp = (name: string) => Number(/^mask_decoder\.output_hypernetworks_mlps\.(\d+)\./.exec(name)?.[1] ?? -1);
  const { numClasses } = network.config;
  scope(() => {
    const given = new Map<string, Tensor | StoredTensor>();
    for (const [name, stored] of tensors) {
      if (leftInFile.test(name) || mlp(name) >= numClasses) continue;
      given.set(name, isGlobalTable(network, name) ? relativePositions(stored.read(), trainedGrid) : stored);
    }
    const optional = (name: string) => ownNames.test(name) || mlp(name) >= samMasks;
    network.loadStateDict(given, { what, nameInFile, optional });
  });
  file.assertUnchanged();
}

function isGlobalTable(network: GSam, name: string): boolean {
  const block = /^image_encoder\.blocks\.(\d+)\.attn\.rel_pos_[hw]$/.exec(name)?.[1];
  return block !== undefined && network.imageEncoder.blocks[Number(block)]?.refine_Adapter !== undefined;
}

/** One sentence instead of hundreds of tensors where the file holds a SAM of another size. */
function requireSameEncoder({ config }: GSam, tensors: ReadonlyMap<string, StoredTensor>, what: string): void {
  const title = (encoder: ReturnType<typeof encoderConfigOf>) =>
    encoderTitle(encoder === "mobile-sam" ? encoder : { ...encoder, imageSize: 1024, patchSize: 16 });
  const found = title(encoderConfigOf(under(tensors, "image_encoder."), what));
  const expected = title(encoderConfig(config.encoder) as Exclude<ReturnType<typeof encoderConfigOf>, "mobile-sam">);
  if (found === expected) return;
  throw new Problem({
    what,
    found,
    expected,
    todo: "Build G-SAM by the sizes of the file (model.encoder), or load another file.",
  });
}

import { nn, Problem, type StoredTensor, scope, type Tensor, zeros } from "@adsam/torch";
import type { DeepLabV3 } from "./deeplab/deeplabv3.js";
import type { EncoderSpec, ImageEncoder } from "./encoders.js";
import { encoderConfigOf, encoderOf, encoderTitle, type Shapes } from "./published/encoder-config.js";
import { type Part, passedOver } from "./published/families.js";
import { PublishedFile } from "./published/published-file.js";
import { resnetTitle } from "./published/resnet-layout.js";
import { under } from "./published/under.js";
import type { ResNet } from "./resnet.js";
import type { SamEncoderConfig } from "./sam/config.js";
import { buildSam, type Sam } from "./sam/sam.js";

/**
 * Published weights into networks. Every function here takes a file of any form and family that holds the network, whole or among others,
 * and fills all of its tensors or none: what is missing, unexpected or of another shape is listed. The few tensors that files carry along
 * without use are named in `passedOver`. Nothing is interpolated to fit, as in the references: an encoder's positions are loaded at the grid
 * they were trained on, and it brings them to the picture's size when it runs.
 */

export interface LoadWeightsOptions {
  /** Tensors that no published file has, adapters for one: they keep their values where the file lacks them. */
  readonly optional?: (name: string) => boolean;
  /** Tensors that keep their values whether the file has them or not. */
  readonly kept?: (name: string) => boolean;
}

/** SAM's or MobileSAM's image encoder, out of a file of the whole, of the encoder alone, or of a network around it. */
export function loadEncoderWeights(encoder: ImageEncoder, path: string, options: LoadWeightsOptions = {}): void {
  loadPart(encoder, path, "encoder", options);
}

/** SAM whole: encoder, prompt encoder, mask decoder. */
export function loadSamWeights(sam: Sam, path: string, options: LoadWeightsOptions = {}): void {
  loadPart(sam, path, "sam", options);
}

/**
 * SAM out of a file of the whole, in evaluation mode. No first weights are drawn.
 * @param encoder by name or sizes; left out, the file's tensors tell
 */
export function openSam(path: string, encoder?: EncoderSpec): Sam {
  const sam = nn.init.skipInit(() => buildSam(encoder ?? encoderOf(path)));
  try {
    loadSamWeights(sam, path);
  } catch (error) {
    sam.dispose();
    throw error;
  }
  return sam.eval();
}

/** A ResNet out of torchvision's file of it, of DeepLabV3, or of AD-SAM. */
export function loadResNetWeights(resnet: ResNet, path: string, options: LoadWeightsOptions = {}): void {
  loadPart(resnet, path, "resnet", options);
}

/** DeepLabV3 out of torchvision's file, or out of the authors' training checkpoint of it. */
export function loadDeepLabWeights(network: nn.Module, path: string, options: LoadWeightsOptions = {}): void {
  loadPart(network, path, "deeplabv3", options);
}

/**
 * What a DeepLabV3 begins to learn with: another DeepLabV3 but for the last convolution of both heads, which tell that one's classes apart (as
 * AD-SAM's authors begin with torchvision's, of COCO); or, where the file has no more, a ResNet.
 */
export function loadDeepLabStart(network: DeepLabV3, path: string): void {
  const tellsClasses = (name: string) => /^(aux_)?classifier\.4\./.test(name);
  if (holds(path, "deeplabv3")) loadDeepLabWeights(network, path, { kept: tellsClasses });
  else loadResNetWeights(network.backbone, path);
}

/**
 * AD-SAM out of a training checkpoint, the authors' or one of this project. Both leave the frozen encoder out; where `network` has one, it must
 * come from its own file.
 * @returns whether the file held SAM's encoder as well
 */
export function loadAdSamWeights(network: nn.Module, path: string): { readonly encoder: boolean } {
  return loadPart(network, path, "ad-sam");
}

function holds(path: string, part: Part): boolean {
  using file = new PublishedFile(path, { verify: false }); // loading verifies
  return file.parts.includes(part);
}

/** Fills `module` with a part of a file. @returns whether the file holds SAM's encoder, too */
function loadPart(
  module: nn.Module,
  path: string,
  part: Part,
  { optional, kept = () => false }: LoadWeightsOptions = {},
): { readonly encoder: boolean } {
  using file = new PublishedFile(path);
  const { tensors, nameInFile } = file.part(part);
  const own = module.stateDict();
  const what = `checkpoint "${path}" (${file.title})`;
  requireSameSizes(part, tensors, own, what);

  const inFile = [...tensors.keys()].some(isEncoder);
  const inNetwork = [...own.keys()].some(isEncoder);
  const useless = (name: string) =>
    passedOver[part].some((one) => one.name.test(name)) || (isEncoder(name) && !inNetwork);
  scope(() => {
    const given = new Map<string, Tensor | StoredTensor>(
      [...tensors].filter(([name]) => !kept(name) && (own.has(name) || !useless(name))),
    );
    // PyTorch before 0.4.1 kept no such counts, and newer ones begin them at 0 for its files.
    if (![...given.keys()].some(isBatchCount))
      for (const name of own.keys()) if (isBatchCount(name)) given.set(name, zeros([], { dtype: "int64" }));
    module.loadStateDict(given, {
      what,
      nameInFile,
      optional: (name) => kept(name) || (isEncoder(name) && !inFile) || optional?.(name) === true,
    });
  });
  file.assertUnchanged();
  return { encoder: inFile };
}

/** Within a network around it; never within the encoder itself, or SAM. */
function isEncoder(name: string): boolean {
  return name.startsWith("sam_encoder.");
}

function isBatchCount(name: string): boolean {
  return /(^|\.)num_batches_tracked$/.test(name);
}

/** One sentence instead of hundreds of tensors where the file holds a network of other sizes. */
function requireSameSizes(part: Part, there: Shapes, here: Shapes, what: string): void {
  const [found, expected] = [sizesOf(part, there), sizesOf(part, here)];
  if (found === undefined || expected === undefined || found.title === expected.title) return;
  const [file, network] = [found.config, expected.config];
  if (file && network && encoderTitle({ ...file, imageSize: network.imageSize }) === expected.title)
    throw new Problem({
      what,
      found: `positions for pictures of ${file.imageSize} pixels`,
      expected: `${network.imageSize}, as this encoder was built`,
      todo: `Weights are loaded at the size they were trained on. Build the encoder with imageSize ${file.imageSize}: it takes pictures of any size, and interpolates its positions when it runs.`,
    });
  throw new Problem({
    what,
    found: found.title,
    expected: expected.title,
    todo: "Build the network by the sizes of the file, or load another file.",
  });
}

/** What is told about a network by its shapes; undefined where what it is told from is missing, which is then listed by name. */
function sizesOf(
  part: Part,
  shapes: Shapes,
): { readonly title: string; readonly config?: SamEncoderConfig } | undefined {
  if (part === "resnet") return { title: resnetTitle(shapes) };
  if (part === "deeplabv3") return { title: `DeepLabV3 on ${resnetTitle(under(shapes, "backbone."))}` };
  if (part !== "encoder" && part !== "sam") return undefined;
  try {
    const encoder = encoderConfigOf(part === "sam" ? under(shapes, "image_encoder.") : shapes, "network");
    return { title: encoderTitle(encoder), ...(typeof encoder !== "string" && { config: encoder }) };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

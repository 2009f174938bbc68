import { z } from "zod";
import { storageDtypes } from "../data/embeddings/description.js";
import { datasetLayouts } from "../data/layouts.js";
import { encoderNames } from "../models/encoder-names.js";
import { resnetFileNames } from "../weights/known-files.js";
import {
  count,
  field,
  flag,
  fraction,
  inputPath,
  listOf,
  mapOf,
  matching,
  multipleOf,
  nameOrPath,
  notNegative,
  oneOf,
  orAuto,
  orNull,
  outputPath,
  pairOf,
  positive,
  rate,
  size,
  text,
  tripleOf,
} from "./recipe-values.js";
import { systemNames } from "./systems/names.js";

/** The network halves its input five times: heights and widths are multiples of this. */
export const inputStep = 32;

const data = z.strictObject({
  kind: field(oneOf(datasetLayouts), "auto", "layout of the data set; auto looks"),
  root: field(
    orNull(inputPath("a data set's folder")),
    null,
    "the data set's folder, or a folder's description in YAML",
  ),
  trainSplit: field(text("the name of a split"), "train", "split that is trained on"),
  valSplit: field(text("the name of a split"), "val", "split that is validated on"),
  limitTrain: field(orNull(count(1)), null, "train on so many pictures at most, drawn once; fewer lie within more"),
  limitSeed: field(orAuto(count(0)), "auto", "seed that limitTrain draws by; auto: run.seed"),
  limitVal: field(orNull(count(1)), null, "validate on so many pictures at most, the same for every seed"),
  embeddings: field(
    orNull(nameOrPath(["auto"], "a folder of embedding stores")),
    "auto",
    "where a frozen encoder's embeddings are kept from run to run; auto: the cache folder; null: nowhere",
  ),
  embeddingDtype: field(oneOf(storageDtypes), "float16", "how embeddings are stored"),
  workers: field(count(0), 2, "threads that read and augment pictures; 0: none beside the main one"),
});

const input = z.strictObject({
  height: field(multipleOf(inputStep), 1024, "pixels; pictures are resized to it, aspect not kept"),
  width: field(multipleOf(inputStep), 1024, "pixels"),
});

const augment = z.strictObject({
  mirror: field(fraction(), 0.5, "probability of a left-right mirror image"),
  scale: field(orNull(pairOf(positive(), "least, most")), null, "random scale before cropping, times the input size"),
  crop: field(orNull(size(inputStep)), null, "random crop the network sees; null: the whole input"),
  grow: field(
    orNull(mapOf(["from", "until"], fraction())),
    null,
    "pictures and crops begin at `from` times their size, validations with them, and grow until that share of the run is over; null: full size throughout",
  ),
  rotate: field(
    notNegative(),
    0,
    "degrees by which pictures are turned at most, either way; uncovered corners are ignored",
  ),
  jitter: field(
    orNull(mapOf(["brightness", "contrast", "saturation"], notNegative())),
    null,
    "colour: each factor is drawn from 1 ± this",
  ),
});

const model = z.strictObject({
  name: field(
    oneOf(systemNames),
    "ad-sam",
    "AD-SAM; its baseline, SAM's encoder under a plain head; Generalized SAM; or DeepLabV3. Each begins with its own recipe",
  ),
  numClasses: field(orAuto(count(2)), "auto", "classes; auto takes the data set's"),
  encoder: field(
    nameOrPath(["auto", "none", ...encoderNames], "a checkpoint, whose sizes it takes"),
    "auto",
    "SAM image encoder that gives global context; auto: the paper's sam-vit-h on CUDA, mobile-sam elsewhere",
  ),
  encoderWeights: field(
    orNull(nameOrPath(["auto"], "a SAM checkpoint")),
    "auto",
    "auto: the published file that `adsam weights` fetched; null: random weights",
  ),
  adapter: field(
    oneOf(["none", "lora", "convlora", "adaptformer"]),
    "none",
    "small trained layers within the frozen encoder",
  ),
  adapterDim: field(
    orNull(count(1)),
    null,
    "rank of LoRA and ConvLoRA, AdaptFormer's width; null: 4, a quarter of a head, 64",
  ),
  encoderTrained: field(flag(), false, "train the SAM encoder too; the paper freezes it"),
  resnet: field(
    oneOf(["none", "nano", "resnet18", "resnet34", "resnet50", "resnet101"]),
    "resnet50",
    "ResNet that gives local detail",
  ),
  resnetWeights: field(
    orNull(nameOrPath(["auto", ...resnetFileNames], "a ResNet checkpoint", "auto|name|path")),
    null,
    "a published file's name, as `adsam weights fetch` takes it; auto: what the system's authors begin with, for AD-SAM resnet50-v2; or a checkpoint with torchvision's names. null: random weights, whose BatchNorm should not be frozen, as it is by default",
  ),
  frozenBatchNorm: field(flag(), true, "keep the ResNet's BatchNorm statistics as loaded"),
  decoder: field(
    oneOf(["deformable-attention", "deformable-convolution"]),
    "deformable-attention",
    "the paper's text, or the authors' code",
  ),
  deformable: field(flag(), true, "false: plain convolutions instead of deformable layers (ablation)"),
  channelAttention: field(flag(), true, "false: fusion without channel attention (ablation)"),
  fusionDim: field(multipleOf(8), 256, "channels of the fused map"),
  decoderDims: field(tripleOf(multipleOf(8), "stage 1, 2, 3"), [128, 64, 32], "channels after each decoder stage"),
  attentionHeads: field(count(1), 8, "heads of the deformable attention"),
  attentionPoints: field(count(1), 4, "sampling points of a head and level"),
  norm: field(
    oneOf(["group", "batch"]),
    "group",
    "what normalises fusion and decoder: GroupNorm, for batches however small, or BatchNorm, which learns faster from random weights",
  ),
  feedForwardFactor: field(
    positive(),
    2,
    "channels within the feed-forward of a stage with attention, times the stage's own",
  ),
});

const loss = z.strictObject({
  focal: field(notNegative(), 0.4, "weight of the focal loss"),
  dice: field(notNegative(), 0.3, "weight of the Dice loss"),
  lovasz: field(notNegative(), 0.2, "weight of the Lovász-softmax loss"),
  surface: field(notNegative(), 0.1, "weight of the surface loss"),
  crossEntropy: field(notNegative(), 0, "weight of the cross-entropy (ablation)"),
  focalAlpha: field(fraction(), 0.25, "α of the focal loss"),
  focalGamma: field(notNegative(), 2, "γ of the focal loss"),
  surfaceForm: field(
    oneOf(["distance", "signed"]),
    "distance",
    "the authors' distance weighting, or Kervadec's signed boundary loss",
  ),
  classWeights: field(
    orNull(orAuto(listOf(notNegative()))),
    null,
    "one factor a class, in train-id order, for the focal loss and the cross-entropy; auto: by how rare it is in the training labels",
  ),
});

const optim = z.strictObject({
  name: field(oneOf(["adamw", "sgd", "muon"]), "adamw", "optimiser"),
  lr: field(positive(), 2e-4, "peak learning rate of fusion and decoder"),
  matrixLr: field(
    positive(),
    0.02,
    "Muon's own rate, of the weights that it orthogonalises; the groups' factors and the schedule hold for it, too",
  ),
  resnetLrFactor: field(notNegative(), 0.1, "the ResNet's learning rate, times lr"),
  encoderLrFactor: field(notNegative(), 0.1, "the SAM encoder's learning rate where it is trained, times lr"),
  offsetLrFactor: field(
    notNegative(),
    1,
    "learning rate of what says where deformable layers look, times lr; 0.1 in Deformable DETR",
  ),
  weightDecay: field(notNegative(), 5e-4, "weight decay"),
  betas: field(pairOf(rate(), "β1, β2"), [0.9, 0.999], "averaging rates of AdamW, and of what Muon leaves to it"),
  eps: field(positive(), 1e-8, "AdamW's ε"),
  momentum: field(rate(), 0.9, "momentum of SGD and Muon"),
  schedule: field(oneOf(["cosine", "poly", "constant"]), "cosine", "how the learning rate falls"),
  polyPower: field(positive(), 0.9, "exponent of the poly schedule"),
  minLr: field(notNegative(), 1e-6, "where the cosine ends"),
  warmupSteps: field(count(0), 0, "steps of linear warm-up from 0"),
  by: field(oneOf(["epoch", "step"]), "epoch", "how often the schedule moves"),
  clipNorm: field(orNull(positive()), null, "largest norm of all gradients together"),
  accumulate: field(count(1), 1, "batches whose gradients are added up before a step"),
});

const train = z.strictObject({
  epochs: field(count(1), 100, "passes over the training split"),
  minutes: field(
    orNull(positive()),
    null,
    "train so long instead, validations in between included; the learning rate then falls with time",
  ),
  batchSize: field(count(1), 2, "pictures a batch"),
  valEvery: field(count(1), 1, "epochs between validations"),
  valEveryMinutes: field(
    orNull(positive()),
    null,
    "minutes between validations at least, each at an epoch's end, instead of valEvery",
  ),
  valResolution: field(oneOf(["label", "network"]), "label", "score at the label's own size or at the network's"),
  checkpointEvery: field(orNull(count(1)), null, "steps between checkpoints inside an epoch; null: each epoch's end"),
  samples: field(count(0), 4, "predictions saved as pictures at each validation"),
  stopAfterMinutes: field(orNull(positive()), null, "stop after so long, saved and ready to resume"),
});

const run = z.strictObject({
  out: field(outputPath("the run's folder"), "runs/ad-sam", "folder for checkpoints, logs and predictions"),
  seed: field(count(0), 0, "every random choice follows from it"),
  device: field(
    matching(/^(auto|cpu|cuda(:\d+)?)$/, "auto|cpu|cuda[:N]", "auto, cpu, cuda or cuda:N"),
    "auto",
    "auto takes CUDA where it is there",
  ),
  threads: field(orAuto(count(1)), "auto", "CPU threads; auto takes every core"),
  precision: field(
    oneOf(["auto", "float32", "bfloat16", "float16"]),
    "auto",
    "auto: float16 autocast on CUDA, float32 on the CPU",
  ),
});

/**
 * Everything that decides a training run. Defaults are the paper's (arXiv 2510.27047 and its authors' code): 1024×1024, SAM ViT-H frozen,
 * ResNet-50 at a tenth of the learning rate, AdamW 2e-4 with weight decay 5e-4, cosine to 1e-6 by epoch, batches of 2, 100 epochs.
 * Groups hold fields; a field is the unit of defaults, files and flags.
 */
export const recipeSchema = z.strictObject({
  data: data.prefault({}),
  input: input.prefault({}),
  augment: augment.prefault({}),
  model: model.prefault({}),
  loss: loss.prefault({}),
  optim: optim.prefault({}),
  train: train.prefault({}),
  run: run.prefault({}),
});

/** A complete recipe: every field has a value; what is not set is null. */
export type Recipe = z.output<typeof recipeSchema>;

/** Group → its schema, in the order in which recipes are written. */
export const recipeGroups = { data, input, augment, model, loss, optim, train, run } as const;
export type RecipeGroup = keyof typeof recipeGroups;

/** One line a group, for help texts and commented files. */
export const groupDescriptions: Record<RecipeGroup, string> = {
  data: "the pictures and labels",
  input: "what the network sees",
  augment: "random changes of training pictures",
  model: "the network and its ablations",
  loss: "the hybrid loss: Focal, Dice, Lovász-softmax, Surface",
  optim: "optimiser and learning rate",
  train: "the course of the run",
  run: "where and how it runs",
};

import type { CommandEntry } from "./command.js";

/** Every command in the order of the help. Only the one that is asked for is loaded, so that the help never loads libtorch. */
export const commands: readonly CommandEntry[] = [
  { name: "demo", summary: "the main job on generated streets, in a few minutes", load: () => import("./demo.js") },
  { name: "train", summary: "train AD-SAM on a data set", load: () => import("./train.js") },
  { name: "eval", summary: "score a checkpoint on a data set", load: () => import("./eval.js") },
  { name: "study", summary: "run experiments that a file lists, and resume them", load: () => import("./study.js") },
  { name: "predict", summary: "segment pictures, folders and videos", load: () => import("./predict.js") },
  { name: "sam", summary: "masks for points, boxes, or everything in a picture", load: () => import("./sam.js") },
  { name: "embed", summary: "compute a frozen encoder's embeddings once", load: () => import("./embed.js") },
  { name: "weights", summary: "list, fetch and verify published checkpoints", load: () => import("./weights.js") },
  {
    name: "describe",
    summary: "a network's modules: shapes, parameters, multiply-adds",
    load: () => import("./describe.js"),
  },
  { name: "data", summary: "inspect, check or convert a data set", load: () => import("./data.js") },
  {
    name: "bench",
    summary: "how fast this machine does each work, beside its peers",
    load: () => import("./bench.js"),
  },
  {
    name: "doctor",
    summary: "what this machine has, and what to do about what it lacks",
    load: () => import("./doctor.js"),
  },
];

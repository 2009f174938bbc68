import type { Device } from "../device.js";
import { Problem } from "../problem.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { writeAtomically } from "./atomic-file.js";
import type { CheckpointFormat } from "./content.js";
import { describeDense, describeTensors } from "./describe-tensors.js";
import { openRecords } from "./open-records.js";
import type { ReadOptions } from "./read-tree.js";
import { planSafetensors } from "./safetensors-writer.js";
import { MappedStorages } from "./tensor-bytes.js";
import { TensorRecord } from "./tensor-record.js";
import { planTorchArchive } from "./torch-archive-writer.js";
import { mapLeaves, type Tree, type WritableTree } from "./tree.js";

export interface LoadOptions extends ReadOptions {
  /** Where the tensors shall live. On "cpu", the default, they stand on the mapped file until written to. */
  readonly device?: Device;
  /** Copy the weights into memory at once, for a file that another program may overwrite in place. */
  readonly copy?: boolean;
}

/** What a file held, whatever its format. */
export interface Checkpoint {
  /** For an index of several files, theirs. */
  readonly format: CheckpointFormat;
  /** A `Map` of tensors for safetensors and plain state dicts; any tree for a training checkpoint. */
  readonly tree: Tree<Tensor>;
  /** The free text of a safetensors file or of an index; empty for others. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads a checkpoint of any known format, recognised by its content: the file's name does not matter. Executes nothing. `path` may also be an
 * index of several files as Hugging Face writes it, or a folder with one: they are read as one.
 */
export function openCheckpoint(path: string, options: LoadOptions = {}): Checkpoint {
  using opened = openRecords(path, options);
  const { format, tree, metadata } = opened;
  return { format, tree: materialise(tree, options), metadata };
}

/**
 * Reads a PyTorch checkpoint (.pth, .pt): a state dict, or any tree of dictionaries, lists, numbers and text with tensors in it. Dictionaries
 * come as `Map`s. Anything else a pickle might name is refused by that name, and nothing of it runs.
 */
export function loadCheckpoint(path: string, options: LoadOptions = {}): Tree<Tensor> {
  const checkpoint = openCheckpoint(path, options);
  if (isPyTorch(checkpoint.format)) return checkpoint.tree;
  throw otherFormat(path, "a safetensors file", "a PyTorch archive");
}

/** Reads a safetensors file: its tensors in the order of the header. */
export function loadSafetensors(path: string, options: LoadOptions = {}): Map<string, Tensor> {
  const checkpoint = openCheckpoint(path, options);
  if (!isPyTorch(checkpoint.format)) return checkpoint.tree as Map<string, Tensor>;
  throw otherFormat(path, "a PyTorch archive", "a safetensors file");
}

/**
 * Saves a tree of tensors, plain containers and values in PyTorch's zip form, readable by `torch.load(weights_only=True)`. (Its reader of
 * version 1.13 refuses floats outside tensors; 2.0 and newer read everything.) The file is replaced at once and whole, or not at all.
 * Tensors that share memory share it in the file; gradients and `requiresGrad` are left out, as in a state dict.
 */
export function saveCheckpoint(path: string, tree: WritableTree<Tensor>): void {
  const plan = planTorchArchive(describeTensors(tree));
  writeAtomically(path, plan.byteLength, (sink) => plan.write(sink));
}

/** Saves tensors by name as safetensors, each in row-major order. The file is replaced at once and whole, or not at all. */
export function saveSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const named = tensors instanceof Map ? (tensors as ReadonlyMap<string, Tensor>) : new Map(Object.entries(tensors));
  const records = new Map([...named].map(([name, tensor]) => [name, describeDense(tensor, `saving tensor "${name}"`)]));
  const plan = planSafetensors(records, metadata);
  writeAtomically(path, plan.byteLength, (sink) => plan.write(sink));
}

function isPyTorch(format: CheckpointFormat): boolean {
  switch (format) {
    case "torch-zip":
    case "torch-legacy":
      return true;
    case "safetensors":
      return false;
  }
}

function otherFormat(path: string, found: string, expected: string): Problem {
  return new Problem({
    what: `checkpoint "${path}"`,
    found,
    expected,
    todo: "Use openCheckpoint, which reads both.",
  });
}

function isRecord(value: unknown): value is TensorRecord {
  return value instanceof TensorRecord;
}

function materialise(tree: Tree, { device = "cpu", copy = false }: LoadOptions): Tree<Tensor> {
  return scope(() => {
    const storages = new MappedStorages({ device, copy });
    return mapLeaves(tree, isRecord, (record) => storages.tensor(record)) as Tree<Tensor>;
  });
}

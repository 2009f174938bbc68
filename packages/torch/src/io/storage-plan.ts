import { elementBytes, type StoredDtype } from "./dtypes.js";

/** Where a tensor lies in memory. */
export interface TensorSpan {
  /** Equal for tensors that stand on one storage. */
  readonly storageKey: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** In elements, as is `offset`. */
  readonly stride: readonly number[];
  readonly offset: number;
}

/** A run of elements to be written as one storage. */
export interface PlannedStorage {
  readonly dtype: StoredDtype;
  /** The tensors of the list that look into it, by index. */
  readonly tensors: readonly number[];
  /** First element in the memory's storage, and how many. */
  readonly start: number;
  readonly length: number;
  /** Write its only tensor row by row instead of the run: there are gaps in the run that nobody looks at. */
  readonly compact: boolean;
}

/**
 * Decides what to write for tensors that may share memory: tensors that overlap go into one storage, so that tied weights stay tied, and
 * nothing goes with them that no tensor looks at. (A slice of a large tensor, or a tensor of a mapped file, does not take the rest along, as it
 * would with torch.save.) Tensors that view the same bytes as different dtypes are written apart.
 * @returns storages in the order of their first tensors
 */
export function planStorages(spans: readonly TensorSpan[]): PlannedStorage[] {
  const groups = new Map<string, Run[]>();
  const planned: PlannedStorage[] = [];
  for (const [index, span] of spans.entries()) {
    const numel = span.shape.reduce((product, size) => product * size, 1);
    if (numel === 0) {
      planned.push({ dtype: span.dtype, tensors: [index], start: 0, length: 0, compact: false });
      continue;
    }
    const last = span.shape.reduce((sum, size, axis) => sum + (size - 1) * span.stride[axis]!, span.offset);
    const key = `${span.dtype} ${span.storageKey}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push({ index, start: span.offset, end: last + 1, numel });
  }
  for (const group of groups.values()) {
    for (const runs of overlapping(group)) planned.push(toStorage(spans, runs));
  }
  return planned.sort((a, b) => a.tensors[0]! - b.tensors[0]!);
}

/** Bytes of a planned storage in the file. */
export function plannedBytes(storage: PlannedStorage): number {
  return storage.length * elementBytes(storage.dtype);
}

interface Run {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly numel: number;
}

/** Runs of one storage in clusters, each connected by overlap. */
function overlapping(group: readonly Run[]): Run[][] {
  const clusters: Run[][] = [];
  let end = -1;
  for (const run of [...group].sort((a, b) => a.start - b.start)) {
    if (run.start < end) clusters.at(-1)!.push(run);
    else clusters.push([run]);
    end = Math.max(end, run.end);
  }
  return clusters;
}

function toStorage(spans: readonly TensorSpan[], runs: readonly Run[]): PlannedStorage {
  const start = Math.min(...runs.map((run) => run.start));
  const end = Math.max(...runs.map((run) => run.end));
  const tensors = runs.map((run) => run.index).sort((a, b) => a - b);
  const { dtype } = spans[tensors[0]!]!;
  const only = runs.length === 1 ? runs[0] : undefined;
  if (only !== undefined && end - start > only.numel)
    return { dtype, tensors, start, length: only.numel, compact: true };
  return { dtype, tensors, start, length: end - start, compact: false };
}

import { Problem } from "../problem.js";
import { dtypeOfStorageClass, elementBytes, isStoredDtype, type StoredDtype } from "./dtypes.js";
import { NumpyArray, NumpyDtype, numpyScalar } from "./pickle-numpy.js";
import { type StorageRecord, TensorRecord } from "./tensor-record.js";
import { TorchLiteral, type Tuple, tupleOf } from "./tree.js";

/** What a pickle may name and call. Each is a few lines of ours: nothing of Python's runs or is imitated beyond this list. */
export class AllowedGlobal {
  readonly name: string;
  readonly call: (args: Tuple, what: string) => unknown;

  constructor(name: string, call: (args: Tuple, what: string) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** `torch.FloatStorage` and its kin: named inside persistent ids only, never called. */
export class StorageClass {
  readonly name: string;
  readonly dtype: StoredDtype;

  constructor(name: string, dtype: StoredDtype) {
    this.name = name;
    this.dtype = dtype;
  }
}

/** A storage that a persistent id stood for: it may appear only as an argument of a tensor. */
export class StorageHandle {
  readonly storage: StorageRecord;
  readonly what: string;
  /** The part of the storage that is meant, in elements. */
  readonly offset: number;
  readonly length: number;

  constructor(storage: StorageRecord, what: string, view?: { readonly offset: number; readonly length: number }) {
    this.storage = storage;
    this.what = what;
    this.offset = view?.offset ?? 0;
    this.length = view?.length ?? storage.byteLength / elementBytes(storage.dtype);
  }
}

/** The value of `module.name` in a pickle, or undefined when it is not on the list. */
export function findGlobal(module: string, name: string): AllowedGlobal | StorageClass | TorchLiteral | undefined {
  const known = FUNCTIONS.get(`${module}.${name}`);
  if (known !== undefined) return known;
  if (module === "torch" || module === "torch.storage") {
    if (name === "UntypedStorage") return new StorageClass(name, "uint8");
    const dtype = dtypeOfStorageClass(name);
    if (dtype !== undefined) return new StorageClass(name, dtype);
    if (module === "torch" && isStoredDtype(name)) return new TorchLiteral("dtype", name);
  }
  return undefined;
}

/** Dictionaries that stand for a Namespace: a state sets their items, where an OrderedDict's only adds attributes that nothing here reads. */
const namespaces = new WeakSet<object>();

/** Carries out BUILD: false where `target` is nothing that a state may be set on. */
export function setState(target: unknown, state: unknown, what: string): boolean {
  if (target instanceof NumpyDtype && Array.isArray(state)) target.setState(state, what);
  else if (target instanceof NumpyArray && Array.isArray(state)) target.setState(state);
  else if (!(target instanceof Map) || !(state instanceof Map)) return false;
  else if (namespaces.has(target)) for (const [name, value] of state) target.set(name, value);
  return true;
}

/** Classes that a pickle may make without calling them (NEWOBJ), and fill afterwards. */
export const NEWABLE: ReadonlySet<string> = new Set(["argparse.Namespace", "types.SimpleNamespace"]);

const FUNCTIONS = new Map<string, AllowedGlobal>();

function allow(names: readonly string[], call: (args: Tuple, what: string) => unknown): void {
  for (const name of names) FUNCTIONS.set(name, new AllowedGlobal(name, call));
}

allow(["collections.OrderedDict"], (args, what) => {
  const map = new Map<unknown, unknown>();
  for (const pair of args.length === 0 ? [] : listArgument(args, what)) {
    if (!Array.isArray(pair) || pair.length !== 2 || (typeof pair[0] === "object" && pair[0] !== null)) {
      throw wrongArguments(what, "an OrderedDict of something but keys and values");
    }
    map.set(pair[0], pair[1]);
  }
  return map;
});
allow(["torch.Size"], (args, what) => tupleOf(args.length === 0 ? [] : listArgument(args, what)));
allow(["torch.device"], (args, what) => {
  const [type, index] = args;
  if (typeof type !== "string") throw wrongArguments(what, "a torch.device without its name");
  return new TorchLiteral("device", typeof index === "number" ? `${type}:${index}` : type);
});
allow(["builtins.set", "__builtin__.set"], (args, what) => {
  const items = args.length === 0 ? [] : listArgument(args, what);
  if (items.some((item) => typeof item === "object" && item !== null))
    throw wrongArguments(what, "a set of containers");
  return new Set(items);
});
// How often each key was seen: the milestones of a learning rate's schedule.
allow(["collections.Counter"], (args, what) => {
  const [counts] = args;
  if (args.length > 1 || !(counts === undefined || counts instanceof Map))
    throw wrongArguments(what, "a Counter of something but counts");
  return new Map(counts);
});
// The options of a training script, set by a state as attributes. They are kept as a dictionary.
allow([...NEWABLE], (args, what) => {
  if (args.length !== 0) throw wrongArguments(what, "a Namespace built from arguments");
  const map = new Map<unknown, unknown>();
  namespaces.add(map);
  return map;
});
allow(["pathlib.PosixPath", "pathlib.PurePosixPath"], (args, what) => {
  if (args.some((part) => typeof part !== "string")) throw wrongArguments(what, "a path of something but text");
  return args.join("/").replace(/^\/\//, "/");
});
allow(["numpy.dtype"], ([name], what) => new NumpyDtype(name, what));
for (const core of ["numpy.core", "numpy._core"]) {
  allow([`${core}.multiarray.scalar`], numpyScalar);
  allow([`${core}.numeric._frombuffer`], ([bytes, dtype, shape, order], what) => {
    const array = new NumpyArray(what);
    array.setState([1, shape, dtype, order === "F", bytes]);
    return array;
  });
  allow([`${core}.multiarray._reconstruct`], ([type], what) => {
    if (!(type instanceof AllowedGlobal) || type.name !== "numpy.ndarray")
      throw wrongArguments(what, "an array of another class");
    return new NumpyArray(what);
  });
}
allow(["numpy.ndarray"], (_, what) => {
  throw wrongArguments(what, "a numpy.ndarray made by itself");
});
// Protocol 2 has no opcode for `bytes`: it writes bytes() and _codecs.encode(text, "latin1").
allow(["builtins.bytes", "__builtin__.bytes"], (args, what) => {
  if (args.length !== 0) throw wrongArguments(what, "bytes built from arguments");
  return new Uint8Array(0);
});
allow(["_codecs.encode"], ([text, encoding], what) => {
  if (typeof text !== "string" || encoding !== "latin1")
    throw wrongArguments(what, "_codecs.encode of other than latin1");
  return Uint8Array.from(Buffer.from(text, "latin1"));
});

// (storage, offset, size, stride[, requires_grad, backward_hooks[, metadata]])
allow(["torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"], (args, what) => {
  const [handle, offset, shape, stride, requiresGrad] = args;
  if (!(handle instanceof StorageHandle)) throw wrongArguments(what, "a tensor without a storage");
  if (typeof offset !== "number" || !Array.isArray(shape) || !Array.isArray(stride)) {
    throw wrongArguments(what, "a tensor without offset, size and stride");
  }
  return rebuildTensor(handle, { offset, shape, stride, requiresGrad: requiresGrad === true }, what);
});
// (tensor, requires_grad, backward_hooks[, state])
allow(
  ["torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"],
  ([tensor, requiresGrad], what) => {
    if (!(tensor instanceof TensorRecord)) throw wrongArguments(what, "a parameter that is no tensor");
    return new TensorRecord({ ...fieldsOf(tensor), requiresGrad: requiresGrad === true, parameter: true }, what);
  },
);

/** Elements a tensor may show beyond those its storage has: 64 MB of float32, far more than any expanded mask or index of a model. */
const MAX_REPEATED = 1 << 24;

interface View {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly requiresGrad: boolean;
}

function rebuildTensor({ storage, offset, length, what: name }: StorageHandle, view: View, file: string): TensorRecord {
  const what = `${file}: a tensor of ${name}`;
  const { dtype } = storage;
  const shape = [...view.shape];
  const stride = [...view.stride];
  const part = { dtype, byteLength: length * elementBytes(dtype), chunks: () => [] };
  const inPart = new TensorRecord({ dtype, shape, stride, offset: view.offset, storage: part }, what);
  if (inPart.numel > Math.max(length, MAX_REPEATED)) {
    throw new Problem({
      what,
      found: `shape [${shape.join(", ")}] and stride [${stride.join(", ")}] over ${length} elements`,
      expected: `at most ${MAX_REPEATED} repeated ones`,
      todo: "A few bytes would take much memory; save it without expanding it.",
    });
  }
  const { requiresGrad } = view;
  return new TensorRecord({ dtype, shape, stride, offset: offset + view.offset, storage, requiresGrad }, what);
}

function fieldsOf({ dtype, shape, stride, offset, storage }: TensorRecord) {
  return { dtype, shape, stride, offset, storage };
}

function listArgument(args: Tuple, what: string): readonly unknown[] {
  const [list] = args;
  if (!Array.isArray(list)) throw wrongArguments(what, "a container built from something but a list");
  return list;
}

function wrongArguments(what: string, found: string): Problem {
  return new Problem({ what, found, expected: "a state dict as torch.save writes it" });
}

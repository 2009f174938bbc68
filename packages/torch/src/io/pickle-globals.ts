import { Problem } from "../problem.js";
import { dtypeOfStorageClass, isStoredDtype, type StoredDtype } from "./dtypes.js";
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

  constructor(storage: StorageRecord, what: string) {
    this.storage = storage;
    this.what = what;
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
  const { storage } = handle;
  return new TensorRecord(
    {
      dtype: storage.dtype,
      shape: [...shape],
      stride: [...stride],
      offset,
      storage,
      requiresGrad: requiresGrad === true,
    },
    `${what}: a tensor of ${handle.what}`,
  );
});
// (tensor, requires_grad, backward_hooks[, state])
allow(
  ["torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"],
  ([tensor, requiresGrad], what) => {
    if (!(tensor instanceof TensorRecord)) throw wrongArguments(what, "a parameter that is no tensor");
    return new TensorRecord({ ...fieldsOf(tensor), requiresGrad: requiresGrad === true, parameter: true }, what);
  },
);

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

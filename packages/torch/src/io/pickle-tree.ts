import { Problem } from "../problem.js";
import { AllowedGlobal, StorageClass, StorageHandle } from "./pickle-globals.js";
import { NumpyArray, NumpyDtype } from "./pickle-numpy.js";
import { TensorRecord } from "./tensor-record.js";
import { childrenOf, MAX_DEPTH, TorchLiteral, Tuple } from "./tree.js";

/** Refuses cycles, deep nesting and leftovers such as a bare class, so that whoever walks the tree afterwards may recurse. */
export function checkTree(root: unknown, what: string): void {
  const done = new Map<unknown, number>(); // container → its height; 0 while it is being visited
  const stack: { value: unknown; rest: Iterator<unknown>; height: number }[] = [];
  const enter = (value: unknown): number => {
    const children = childrenOf(value);
    if (children === undefined) {
      checkLeaf(value, what);
      return 0;
    }
    const known = done.get(value);
    if (known === 0) throw new Problem({ what, found: "a container that holds itself", expected: "a tree" });
    if (known !== undefined) return known;
    done.set(value, 0);
    stack.push({ value, rest: children[Symbol.iterator](), height: 1 });
    return 1;
  };
  enter(root);
  while (stack.length > 0) {
    const frame = stack[stack.length - 1]!;
    const next = frame.rest.next();
    if (next.done) {
      done.set(frame.value, frame.height);
      stack.pop();
      const parent = stack.at(-1);
      if (parent !== undefined) parent.height = Math.max(parent.height, frame.height + 1);
    } else {
      frame.height = Math.max(frame.height, enter(next.value) + 1);
    }
    if (frame.height > MAX_DEPTH || stack.length > MAX_DEPTH) {
      throw new Problem({ what, found: `containers nested deeper than ${MAX_DEPTH}`, expected: "a flatter tree" });
    }
  }
}

const LEFTOVERS = [AllowedGlobal, StorageClass, StorageHandle, NumpyDtype];

function checkLeaf(value: unknown, what: string): void {
  if (LEFTOVERS.some((type) => value instanceof type)) {
    throw new Problem({
      what,
      found: `${describeValue(value)} as a value`,
      expected: "tensors and plain containers only",
    });
  }
}

/** What a value of a pickle is, for errors. */
export function describeValue(value: unknown): string {
  if (value === null) return "None";
  if (value instanceof AllowedGlobal || value instanceof StorageClass) return `the class ${value.name}`;
  if (value instanceof StorageHandle) return "a bare storage";
  if (value instanceof NumpyDtype) return "a numpy.dtype";
  if (value instanceof NumpyArray) return "a NumPy array";
  if (value instanceof TensorRecord) return "a tensor";
  if (value instanceof TorchLiteral) return `torch's ${value.kind} ${value.text}`;
  if (value instanceof Map) return "a dictionary";
  if (value instanceof Set) return "a set";
  if (value instanceof Tuple) return "a tuple";
  if (value instanceof Uint8Array) return "bytes";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

import { Problem } from "../problem.js";
import { AllowedGlobal, StorageClass, StorageHandle } from "./pickle-globals.js";
import { NumpyArray, NumpyDtype } from "./pickle-numpy.js";
import { TensorRecord } from "./tensor-record.js";
import { childrenOf, MAX_DEPTH, TorchLiteral, Tuple } from "./tree.js";

/**
 * Values that a walk over the tree may meet, a container that stands in several places counted in each: a few bytes can name one list twice
 * in another, that one twice in a third, and so on to a walk without end.
 */
const MAX_UNFOLDED = 10_000_000;

/** What is inside a container: how deep, and how many values, with itself. */
interface Extent {
  height: number;
  unfolded: number;
}

const LEAF: Extent = { height: 0, unfolded: 1 };

/** Refuses cycles, deep nesting and leftovers such as a bare class, so that whoever walks the tree afterwards may recurse. */
export function checkTree(root: unknown, what: string): void {
  const done = new Map<unknown, Extent | undefined>(); // undefined while a container is being visited
  const stack: { value: unknown; rest: Iterator<unknown>; extent: Extent }[] = [];
  /** The extent of a value known already; undefined where it was put on the stack. */
  const enter = (value: unknown): Extent | undefined => {
    const children = childrenOf(value);
    if (children === undefined) {
      checkLeaf(value, what);
      return LEAF;
    }
    const known = done.get(value);
    if (known !== undefined) return known;
    if (done.has(value)) throw new Problem({ what, found: "a container that holds itself", expected: "a tree" });
    done.set(value, undefined);
    stack.push({ value, rest: children[Symbol.iterator](), extent: { height: 1, unfolded: 1 } });
    return undefined;
  };
  const add = (extent: Extent, child: Extent) => {
    extent.height = Math.max(extent.height, child.height + 1);
    extent.unfolded += child.unfolded;
    if (extent.unfolded <= MAX_UNFOLDED) return;
    const found = `more than ${MAX_UNFOLDED} values, most of them the same again`;
    throw new Problem({
      what,
      found,
      expected: "a state dict",
      todo: "It was made to mislead; nothing of it was run.",
    });
  };
  enter(root);
  while (stack.length > 0) {
    const frame = stack[stack.length - 1]!;
    const next = frame.rest.next();
    if (next.done) {
      done.set(frame.value, frame.extent);
      stack.pop();
      const parent = stack.at(-1);
      if (parent !== undefined) add(parent.extent, frame.extent);
    } else {
      const known = enter(next.value);
      if (known !== undefined) add(frame.extent, known);
    }
    if (frame.extent.height > MAX_DEPTH || stack.length > MAX_DEPTH) {
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

import { Problem } from "../problem.js";
import type { TensorRecord } from "./tensor-record.js";

/**
 * A Python tuple (or `torch.Size`). It is an array everywhere an array is wanted, and is written back as a tuple.
 * Make one with `Tuple.of(…)` or `Tuple.from(…)`.
 */
export class Tuple<T = unknown> extends Array<T> {}

/** `Tuple.from`, twenty times as fast for long ones. */
export function tupleOf<T>(items: readonly T[]): Tuple<T> {
  const tuple = new Tuple<T>(items.length); // room for exactly these: one that grew by push would have room for seventeen
  for (let i = 0; i < items.length; i++) tuple[i] = items[i]!;
  return tuple;
}

/** A `torch.float32` or `torch.device("cuda:0")` standing as a value in a checkpoint. */
export class TorchLiteral {
  readonly kind: "dtype" | "device";
  /** `float32`, `cuda:0`. */
  readonly text: string;

  constructor(kind: "dtype" | "device", text: string) {
    this.kind = kind;
    this.text = text;
  }
}

export type TreeKey = string | number | bigint | boolean | null;

/**
 * What a checkpoint holds: plain values and containers with tensors (`Leaf`) at the ends. Dictionaries are read as `Map`s, which keep
 * their order and the type of their keys; lists as arrays, tuples as `Tuple`, `bytes` as `Uint8Array`, integers beyond 2⁵³ as `bigint`.
 */
export type Tree<Leaf = TensorRecord> =
  | Leaf
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | TorchLiteral
  | readonly Tree<Leaf>[]
  | ReadonlyMap<TreeKey, Tree<Leaf>>
  | ReadonlySet<TreeKey>;

/**
 * What may be saved: a `Tree`, in which dictionaries may also be plain objects. Their keys are written as strings, since JavaScript has no
 * other: for integer keys, as in an optimizer's `state`, use a `Map`.
 */
export type WritableTree<Leaf = TensorRecord> =
  | Tree<Leaf>
  | readonly WritableTree<Leaf>[]
  | ReadonlyMap<TreeKey, WritableTree<Leaf>>
  | ReadonlySet<TreeKey>
  | { readonly [key: string]: WritableTree<Leaf> | undefined };

/** Containers nested deeper than this are refused, on reading and on writing. */
export const MAX_DEPTH = 200;

/** The containers and values directly inside `value`, or undefined if it is no container. */
export function childrenOf(value: unknown): Iterable<unknown> | undefined {
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof Map) return value.values();
  return undefined;
}

/** True for `{…}` and `Object.create(null)`: not for class instances, which no checkpoint can hold. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Like JSON, an object's undefined fields count as absent. */
export function definedEntries(value: Record<string, unknown>): [string, unknown][] {
  return Object.entries(value).filter(([, item]) => item !== undefined);
}

/**
 * The same tree with every leaf replaced; plain objects come as objects without their undefined fields. A container that stands in several
 * places is replaced once and stays shared, so a file of a few bytes cannot unfold into an endless tree.
 */
export function mapLeaves<From extends object, To>(
  tree: WritableTree<From>,
  isLeaf: (value: unknown) => value is From,
  replace: (leaf: From) => To,
): WritableTree<To> {
  const done = new Map<unknown, unknown>();
  const visit = (value: unknown, depth: number): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (done.has(value)) return done.get(value);
    if (depth > MAX_DEPTH) {
      const found = `containers nested deeper than ${MAX_DEPTH}, or one that holds itself`;
      throw new Problem({ what: "the tree of a checkpoint", found, expected: "a flatter tree" });
    }
    const inside = (item: unknown) => visit(item, depth + 1);
    let result: unknown = value;
    if (isLeaf(value)) result = replace(value);
    else if (value instanceof Map) result = new Map([...value].map(([key, item]) => [key, inside(item)]));
    else if (value instanceof Tuple) result = Tuple.from(value, inside);
    else if (Array.isArray(value)) result = value.map(inside);
    else if (isPlainObject(value))
      result = Object.fromEntries(definedEntries(value).map(([key, item]) => [key, inside(item)]));
    done.set(value, result);
    return result;
  };
  return visit(tree, 0) as WritableTree<To>;
}

import type { Device, MemoryFormat } from "./device.js";
import { arrayFor, type Dtype, dtypeOf, type TypedArray } from "./dtype.js";
import { formatTensor } from "./format.js";
import type { TensorMethods } from "./generated/signatures.js";
import { methodTable } from "./generated/table.js";
import { activateMode, currentMode } from "./mode.js";
import { native, type TensorId } from "./native.js";
import { callOperator, overloaded } from "./operators.js";
import { Problem } from "./problem.js";
import type { Scope } from "./scope.js";

/** Height and width in pixels or cells. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Nested numbers: what `Tensor.of` takes and `toNested` gives. */
export type Nested = number | boolean | readonly Nested[];

function* flatten(values: Nested): Generator<number | boolean> {
  if (typeof values === "object") for (const value of values) yield* flatten(value);
  else yield values;
}

/** The sizes of nested arrays. @throws Problem where two neighbours differ */
function shapeOf(values: Nested): number[] {
  if (typeof values !== "object") return [];
  const [first, ...others] = values.map(shapeOf);
  const different = others.find((other) => other.join() !== first!.join());
  if (different)
    throw new Problem({
      what: "Tensor.of",
      found: `neighbours of shapes [${first!.join(", ")}] and [${different.join(", ")}]`,
      expected: "nested arrays of equal lengths",
    });
  return [values.length, ...(first ?? [])];
}

/** The safety net for tensors outside every scope; what a scope owns it frees itself. */
const garbage = new FinalizationRegistry<TensorId>((id) => {
  try {
    native().release(id);
  } catch {
    // Already disposed.
  }
});

/**
 * A libtorch tensor. It is freed by the `scope` it was made in, by `using`, by `dispose()`, or, outside all of these, when it
 * becomes garbage. Operators are methods: arguments with a default are named in the last one, as in
 * `x.conv2d(weight, { padding: 1 })`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the generated methods are put on the prototype below
export class Tensor {
  /** The scope that will free it. @internal */
  owner: Scope | undefined;
  private handle: TensorId;
  private cachedShape: readonly number[] | undefined;

  /** @internal Use `Tensor.of`, `Tensor.from` or a function such as `zeros`. */
  constructor(id: TensorId) {
    this.handle = id;
    const { scope } = currentMode();
    if (scope) scope.adopt(this);
    else this.watch();
  }

  /** A tensor from nested arrays; float32 unless said. */
  static of(
    values: Nested,
    { dtype = "float32", device = currentMode().device }: { dtype?: Dtype; device?: Device } = {},
  ): Tensor {
    const shape = shapeOf(values);
    const flat = Float64Array.from(flatten(values), Number);
    const made = new Tensor(native().fromBytes(flat, "float64", shape));
    return dtype === "float64" && device === undefined
      ? made
      : made.to({ dtype, ...(device && { device, nonBlocking: true }) });
  }

  /** A tensor with a copy of a typed array's elements. */
  static from(array: TypedArray, shape: readonly number[], { dtype = dtypeOf(array) }: { dtype?: Dtype } = {}): Tensor {
    return new Tensor(native().fromBytes(array, dtype, shape));
  }

  /** A tensor in a typed array's own memory, without a copy: a change of either is seen in both. */
  static share(
    array: TypedArray,
    shape: readonly number[],
    { dtype = dtypeOf(array) }: { dtype?: Dtype } = {},
  ): Tensor {
    return new Tensor(native().share(array, dtype, shape));
  }

  /** uint8 [bytes]: a file mapped into memory; pages are read when touched, writes never reach the file. */
  static mapFile(path: string): Tensor {
    return new Tensor(native().mapFile(path));
  }

  get id(): TensorId {
    return this.handle;
  }

  get shape(): readonly number[] {
    this.cachedShape ??= Object.freeze(native().sizes(this.handle));
    return this.cachedShape;
  }

  /** @internal After an operator may have resized it. */
  forgetShape(): void {
    this.cachedShape = undefined;
  }

  get dtype(): Dtype {
    return native().dtype(this.handle) as Dtype;
  }

  get device(): Device {
    return native().device(this.handle) as Device;
  }

  get strides(): readonly number[] {
    return native().strides(this.handle);
  }

  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Size of one dimension; negative counts from the end. */
  size(dim: number): number {
    const size = this.shape.at(dim);
    if (size === undefined) throw new RangeError(`dimension ${dim} of a tensor of shape [${this.shape.join(", ")}]`);
    return size;
  }

  /** The four sizes of a map, [B, C, H, W]; `name` is what an error calls it. */
  dims4(name: string): [number, number, number, number] {
    return this.dims(name, 4) as [number, number, number, number];
  }

  /** The three sizes, e.g. [B, N, C]; `name` is what an error calls it. */
  dims3(name: string): [number, number, number] {
    return this.dims(name, 3) as [number, number, number];
  }

  dims2(name: string): [number, number] {
    return this.dims(name, 2) as [number, number];
  }

  private dims(name: string, rank: number): number[] {
    if (this.rank !== rank)
      throw new Problem({
        what: `\`${name}\``,
        found: `a tensor of ${this.rank} dimensions, [${this.shape.join(", ")}]`,
        expected: `${rank} dimensions`,
      });
    return [...this.shape];
  }

  /** Height and width of a map [B, C, H, W]. */
  spatialSize(name: string): Size {
    const [, , height, width] = this.dims4(name);
    return { height, width };
  }

  // --- conversion

  /** Another dtype, device or memory layout; the tensor itself where nothing changes. */
  to({
    dtype,
    device,
    memoryFormat,
    copy = false,
    nonBlocking = false,
  }: {
    dtype?: Dtype;
    device?: Device;
    memoryFormat?: MemoryFormat;
    copy?: boolean;
    /** Between page-locked memory and a GPU: returns before the copy is done (see `send`, `Download`). */
    nonBlocking?: boolean;
  }): Tensor {
    return callOperator("aten::to", "dtype_layout", [
      this,
      dtype,
      undefined,
      device,
      undefined,
      nonBlocking,
      copy,
      memoryFormat,
    ]) as Tensor;
  }

  /** The same bytes read as another dtype; the last dimension scales with the element's size. */
  viewDtype(dtype: Dtype): Tensor {
    return callOperator("aten::view", "dtype", [this, dtype]) as Tensor;
  }

  /** A second tensor on the same data, with its own lifetime. */
  alias(): Tensor {
    return new Tensor(native().alias(this.handle));
  }

  /**
   * The elements as a typed array over the tensor's own memory, which it keeps alive: for a contiguous tensor on the CPU no byte
   * is copied, and writing to it writes to the tensor. 16-bit floats show their bits.
   */
  data(): TypedArray {
    using here = this.to({ device: "cpu" });
    using dense = callOperator("aten::contiguous", "", [here]) as Tensor;
    return new (arrayFor(this.dtype))(native().bytes(dense.id));
  }

  /** A copy of the elements. */
  toArray(): TypedArray {
    using here = this.to({ device: "cpu" });
    using dense = callOperator("aten::contiguous", "", [here]) as Tensor;
    const array = new (arrayFor(this.dtype))(this.numel * (this.dtype.startsWith("complex") ? 2 : 1));
    native().copyBytes(dense.id, array);
    return array;
  }

  /** The bytes of a contiguous tensor on the CPU, without a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(native().bytes(this.handle));
  }

  /** Elements as nested arrays of numbers, of any dtype. */
  toNested(): Nested {
    const values = this.toNumbers();
    const build = (dim: number, offset: number, step: number): Nested => {
      if (dim === this.rank) return values[offset]!;
      const size = this.shape[dim]!;
      const inner = step / (size || 1);
      return Array.from({ length: size }, (_, i) => build(dim + 1, offset + i * inner, inner));
    };
    return build(0, 0, values.length);
  }

  /** All elements as float64. */
  toNumbers(): Float64Array {
    using plain = callOperator("aten::detach", "", [this]) as Tensor;
    using wide = plain.to({ dtype: "float64", device: "cpu" });
    return wide.toArray() as Float64Array;
  }

  /** The value of a tensor of one element. */
  item(): number {
    activateMode();
    return Number(native().item(this.handle));
  }

  toString(): string {
    return this.disposed ? "Tensor (disposed)" : formatTensor(this);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  // --- autograd

  get requiresGrad(): boolean {
    return native().requiresGrad(this.handle);
  }

  set requiresGrad(value: boolean) {
    native().setRequiresGrad(this.handle, value);
  }

  /** Sets `requiresGrad` and returns the tensor. */
  requiresGrad_(value = true): this {
    this.requiresGrad = value;
    return this;
  }

  get isLeaf(): boolean {
    return native().isLeaf(this.handle);
  }

  /** The accumulated gradient, a new handle at each call. */
  get grad(): Tensor | undefined {
    const id = native().gradOf(this.handle);
    return id === undefined ? undefined : new Tensor(id);
  }

  set grad(gradient: Tensor | undefined) {
    native().setGrad(this.handle, gradient?.id);
  }

  /** Differentiates the tensor (a scalar unless a cotangent is given) and adds to the `grad` of the leaves. */
  backward(
    cotangent?: Tensor,
    { retainGraph = false, createGraph = false }: { retainGraph?: boolean; createGraph?: boolean } = {},
  ): void {
    activateMode();
    native().backward([this.handle], cotangent ? [cotangent.id] : [], retainGraph || createGraph, createGraph);
  }

  /** Stands on `data` from now on, as PyTorch's `param.data = x`. */
  setData(data: Tensor): void {
    native().setData(this.handle, data.id);
    this.forgetShape();
  }

  // --- lifetime

  get disposed(): boolean {
    return this.handle === -1;
  }

  /** Frees this handle; the data goes with the last tensor, view or graph that uses it. Twice is harmless. */
  dispose(): void {
    if (this.handle === -1) return;
    if (this.owner) this.owner.disown(this);
    else garbage.unregister(this);
    native().release(this.handle);
    this.handle = -1;
    this.cachedShape = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Outside every scope the finalizer watches. @internal */
  watch(): void {
    garbage.register(this, this.handle, this);
    native().leaveToCollector(this.handle);
  }
}

export interface Tensor extends TensorMethods {}

for (const [name, spec] of Object.entries(methodTable))
  Object.defineProperty(Tensor.prototype, name, {
    value: overloaded(name, spec, true),
    writable: true,
    configurable: true,
  });

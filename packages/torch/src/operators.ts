import { activateMode, currentMode } from "./mode.js";
import { native, type PreparedOperator } from "./native.js";
import { Tensor } from "./tensor.js";

/** An operator's overloads as generated: see codegen/emit.ts. */
export interface OperatorSpec {
  readonly name: string;
  readonly overloads: readonly {
    readonly overload: string;
    readonly positional: readonly string[];
    readonly order: readonly string[];
  }[];
}

/** Sees every operator call of a `withObserver` region: what describes or profiles a network. */
export type OperatorObserver = (name: string, args: readonly unknown[], result: unknown) => void;
let observer: OperatorObserver | undefined;

/** Runs a synchronous `body` with `see` called after each operator. */
export function withObserver<T>(see: OperatorObserver, body: () => T): T {
  const before = observer;
  observer = see;
  try {
    return body();
  } finally {
    observer = before;
  }
}

const prepared = new Map<string, PreparedOperator>();

function prepare(name: string, overload: string): PreparedOperator {
  const key = overload ? `${name}.${overload}` : name;
  let operator = prepared.get(key);
  if (!operator) {
    operator = native().prepare(name, overload);
    prepared.set(key, operator);
  }
  return operator;
}

/**
 * Any operator libtorch knows, by name and overload, with its arguments in the schema's order; `undefined` stands for a default.
 * @returns a tensor, a plain value, or an array of several
 * @throws Error with libtorch's first line, the operator and the shapes of its tensors
 */
export function callOperator(name: string, overload: string, args: readonly unknown[]): unknown {
  return invoke(prepare(name, overload), name, args);
}

/** The same, off the event loop: one compute thread takes the calls in turn. */
export async function callOperatorAsync(name: string, overload: string, args: readonly unknown[]): Promise<unknown> {
  const operator = prepare(name, overload);
  activateMode();
  const raw = await native().callAsync(operator.index, args);
  return wrapResults(operator, args, raw);
}

const known = new Map<string, boolean>();

/** Whether this libtorch knows an operator, under any overload. */
export function hasOperator(name: string): boolean {
  let answer = known.get(name);
  if (answer === undefined) {
    answer = native().schemas(name).length > 0;
    known.set(name, answer);
  }
  return answer;
}

/** The schema's text, e.g. `aten::relu(Tensor self) -> Tensor`. */
export function schemaOf(name: string, overload = ""): string {
  return prepare(name, overload).schema;
}

function invoke(operator: PreparedOperator, name: string, args: readonly unknown[]): unknown {
  activateMode();
  const result = wrapResults(operator, args, native().call(operator.index, args));
  observer?.(name, args, result);
  return result;
}

function wrapResults(operator: PreparedOperator, args: readonly unknown[], raw: unknown): unknown {
  const codes = operator.returns;
  if (codes.length === 1) return wrapResult(codes[0]!, args, raw);
  return codes.map((code, i) => wrapResult(code, args, (raw as unknown[])[i]));
}

function wrapResult(code: string, args: readonly unknown[], raw: unknown): unknown {
  if (code === "T") return raw === undefined ? undefined : new Tensor(raw as number);
  if (code === "L") return (raw as (number | undefined)[]).map((id) => (id === undefined ? undefined : new Tensor(id)));
  if (code.startsWith("=")) {
    const same = args[Number(code.slice(1))] as Tensor;
    same.forgetShape();
    return same;
  }
  return raw;
}

/** The function behind a generated method or function: finds the overload that fits the arguments and puts them in order. */
export function overloaded(jsName: string, spec: OperatorSpec, isMethod: boolean): (...args: unknown[]) => unknown {
  const overloads = spec.overloads.map((one) => ({
    ...one,
    operator: undefined as PreparedOperator | undefined,
    kinds: one.positional.map((part) => part.slice(part.indexOf(":") + 1)),
    positions: new Map(one.order.map((name, i) => [name, i + (isMethod ? 1 : 0)])),
    positionalNames: one.positional.map((part) => part.slice(0, part.indexOf(":"))),
    length: one.order.length + (isMethod ? 1 : 0),
  }));
  return function (this: unknown, ...given: unknown[]): unknown {
    const last = given[given.length - 1];
    const options = isOptions(last) ? (given.pop() as Record<string, unknown>) : undefined;
    for (const candidate of overloads) {
      if (candidate.kinds.length !== given.length || !candidate.kinds.every((kind, i) => fits(kind, given[i])))
        continue;
      const args = new Array<unknown>(candidate.length);
      const device = isMethod ? undefined : candidate.positions.get("device");
      if (isMethod) args[0] = this;
      for (let i = 0; i < given.length; i++) args[candidate.positions.get(candidate.positionalNames[i]!)!] = given[i];
      if (options)
        for (const [name, value] of Object.entries(options)) {
          const position = candidate.positions.get(name);
          if (position === undefined)
            throw new TypeError(`${jsName}: unknown option "${name}", expected one of ${candidate.order.join(", ")}`);
          args[position] = value;
        }
      if (device !== undefined && args[device] === undefined) args[device] = currentMode().device;
      candidate.operator ??= prepare(spec.name, candidate.overload);
      return invoke(candidate.operator, spec.name, args);
    }
    const forms = overloads.map((one) => `(${one.positional.join(", ").replaceAll("#", "")})`).join(" or ");
    throw new TypeError(`${jsName}: found arguments (${given.map(kindOf).join(", ")}), expected ${forms}`);
  };
}

function isOptions(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether a value can stand for a schema type: "Tensor", "int[]?", "Tensor#" (a number will do as well), … */
function fits(kind: string, value: unknown): boolean {
  let type = kind;
  if (type.endsWith("#")) {
    if (typeof value === "number") return true;
    type = type.slice(0, -1);
  }
  if (type.endsWith("?") && !type.endsWith("[]?")) {
    if (value === null || value === undefined) return true;
    type = type.slice(0, -1);
  } else if (type.endsWith("[]?")) {
    if (value === null || value === undefined) return true;
    type = type.slice(0, -1);
  }
  if (type === "Tensor") return value instanceof Tensor;
  if (type.endsWith("[]")) return Array.isArray(value) || (typeof value === "number" && type === "int[]");
  if (type === "Scalar" || type === "int" || type === "float")
    return typeof value === "number" || typeof value === "bigint" || (type === "Scalar" && typeof value === "boolean");
  if (type === "bool") return typeof value === "boolean";
  return true;
}

function kindOf(value: unknown): string {
  if (value instanceof Tensor) return `Tensor ${value}`;
  if (Array.isArray(value)) return `[${value.map(kindOf).join(", ")}]`;
  return value === null ? "null" : typeof value === "object" ? (value as object).constructor.name : String(value);
}

import { currentMode, withMode } from "./mode.js";
import { Tensor } from "./tensor.js";

/** The tensors made since a `scope` began, freed at its end unless they are returned or kept. */
export class Scope {
  private readonly tensors = new Set<Tensor>();
  private closed = false;

  /** Takes a tensor over. What is made too late, by a callback nobody waited for, is left to the finalizer. */
  adopt(tensor: Tensor): void {
    if (this.closed) tensor.watch();
    else {
      tensor.owner = this;
      this.tensors.add(tensor);
    }
  }

  disown(tensor: Tensor): void {
    this.tensors.delete(tensor);
    tensor.owner = undefined;
  }

  /** Frees everything but `survivors`, which pass to `parent` or to the caller. */
  close(survivors: Iterable<Tensor>, parent: Scope | undefined): void {
    this.closed = true;
    for (const tensor of survivors) {
      if (tensor.owner !== this) continue;
      this.disown(tensor);
      if (parent) parent.adopt(tensor);
      else tensor.watch();
    }
    for (const tensor of this.tensors) {
      tensor.owner = undefined;
      tensor.dispose();
    }
    this.tensors.clear();
  }
}

/**
 * Runs `body` and frees every tensor made inside it, except those it returns (also within arrays, plain objects, Maps and
 * anything with a `tensors()` method, as a `Module` has). The graph keeps what backward needs. With an async `body` the scope
 * lasts until its promise settles; concurrent scopes do not see each other.
 */
export function scope<T>(body: () => T): T {
  const parent = currentMode().scope;
  const own = new Scope();
  let result: T;
  try {
    result = withMode({ scope: own }, body);
  } catch (error) {
    own.close([], parent);
    throw error;
  }
  if (result instanceof Promise) {
    return result.then(
      (value) => {
        own.close(tensorsIn(value), parent);
        return value;
      },
      (error) => {
        own.close([], parent);
        throw error;
      },
    ) as T;
  }
  own.close(tensorsIn(result), parent);
  return result;
}

/** Takes a tensor out of every scope: it lives until `dispose()`, or until it is garbage. Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  if (tensor.owner) {
    tensor.owner.disown(tensor);
    tensor.watch();
  }
  return tensor;
}

function tensorsIn(value: unknown, seen: Set<unknown> = new Set()): Set<Tensor> {
  const found = new Set<Tensor>();
  const visit = (node: unknown): void => {
    if (node === null || typeof node !== "object" || seen.has(node)) return;
    seen.add(node);
    if (node instanceof Tensor) found.add(node);
    else if (Array.isArray(node)) node.forEach(visit);
    else if (node instanceof Map) for (const entry of node.values()) visit(entry);
    else if (typeof (node as { tensors?: unknown }).tensors === "function")
      for (const tensor of (node as { tensors(): Iterable<Tensor> }).tensors()) found.add(tensor);
    else if (Object.getPrototypeOf(node) === Object.prototype || Object.getPrototypeOf(node) === null)
      Object.values(node).forEach(visit);
  };
  visit(value);
  return found;
}

import { empty, nn, noGrad, type Size, scope, Tensor, withDevice, withObserver } from "@adsam/torch";
import type { Segmenter } from "../models/segmenter.js";
import { multiplyAdds } from "./multiply-adds.js";

type Shape = readonly number[];

/** A module and what is below it. Numbers include what is below; a module called twice counts twice. */
export interface ModuleDescription {
  /** Its name in the module above, as in state dicts; "" for the whole. */
  readonly name: string;
  /** The class: `Conv2d`. */
  readonly type: string;
  /** Of its last call; several where it gives several; null where it is not called itself (a list, or one whose weights another uses). */
  readonly output: Shape | Readonly<Record<string, Shape>> | null;
  readonly calls: number;
  readonly parameters: { readonly trained: number; readonly frozen: number };
  readonly multiplyAdds: number;
  readonly children: readonly ModuleDescription[];
}

export interface NetworkDescription {
  readonly root: ModuleDescription;
  /** Parameters and buffers, in bytes. */
  readonly weightBytes: { readonly trained: number; readonly frozen: number; readonly buffers: number };
  /** Operators called that are not counted, with their calls. */
  readonly uncounted: Readonly<Record<string, number>>;
}

interface Tally {
  calls: number;
  multiplyAdds: number;
  output: ModuleDescription["output"];
}

/**
 * A network for one picture of the size given, run on libtorch's "meta" device: shapes without data, so that ViT-H at 1024×1024 takes
 * seconds and no memory to speak of.
 * @throws Problem for a size the network does not take
 */
export function describeNetwork(build: () => Segmenter, { height, width }: Size, batchSize = 1): NetworkDescription {
  return withDevice("meta", () =>
    scope(() => {
      const network = nn.init.skipInit(build).eval();
      try {
        return describeModule(network, () => network.call({ image: empty([batchSize, 3, height, width]) }));
      } finally {
        network.dispose();
      }
    }),
  );
}

/**
 * Watches one run of a module: which operators each module below calls, and what it gives.
 * @param run calls the module, synchronously
 */
export function describeModule(module: nn.Module, run: () => unknown): NetworkDescription {
  const tallies = new Map<nn.Module, Tally>();
  const uncounted: Record<string, number> = {};
  const running: Tally[] = [];
  const see = (name: string, args: readonly unknown[], result: unknown): void => {
    const count = multiplyAdds(name, args, result);
    const tally = running.at(-1);
    if (count === undefined) uncounted[name] = (uncounted[name] ?? 0) + 1;
    else if (tally) tally.multiplyAdds += count;
  };
  const watched = [...new Set([...module.modules()].map(([, one]) => one))];
  for (const one of watched) watch(one, tallies, running);
  try {
    scope(() => noGrad(() => withObserver(see, run)));
  } finally {
    for (const one of watched) Reflect.deleteProperty(one, "call");
  }
  return { root: describe("", module, tallies), weightBytes: bytesOf(module), uncounted };
}

/** Puts a `call` of its own on one module that keeps the tally of its operators; deleting it uncovers the class's. */
function watch(module: nn.Module, tallies: Map<nn.Module, Tally>, running: Tally[]): void {
  const call = module.call as (...inputs: unknown[]) => unknown;
  const value = function (this: nn.Module, ...inputs: unknown[]): unknown {
    const tally = tallies.get(module) ?? { calls: 0, multiplyAdds: 0, output: null };
    tallies.set(module, tally);
    tally.calls++;
    running.push(tally);
    try {
      const result = call.apply(module, inputs);
      tally.output = shapesOf(result);
      return result;
    } finally {
      running.pop();
    }
  };
  Object.defineProperty(module, "call", { value, configurable: true, enumerable: false });
}

function shapesOf(result: unknown): ModuleDescription["output"] {
  if (result instanceof Tensor) return [...result.shape];
  if (typeof result !== "object" || result === null) return null;
  const tensors = Object.entries(result).filter((entry): entry is [string, Tensor] => entry[1] instanceof Tensor);
  return tensors.length === 0 ? null : Object.fromEntries(tensors.map(([name, { shape }]) => [name, [...shape]]));
}

function describe(name: string, module: nn.Module, tallies: ReadonlyMap<nn.Module, Tally>): ModuleDescription {
  const tally = tallies.get(module);
  const children = [...module.children()].map(([childName, child]) => describe(childName, child, tallies));
  const [trained, frozen] = [true, false].map((wanted) => sum(parameters(module, wanted).map(({ numel }) => numel)));
  return {
    name,
    type: module.constructor.name,
    output: tally?.output ?? null,
    calls: tally?.calls ?? 0,
    parameters: { trained: trained!, frozen: frozen! },
    multiplyAdds: (tally?.multiplyAdds ?? 0) + sum(children.map((child) => child.multiplyAdds)),
    children,
  };
}

function bytesOf(module: nn.Module): NetworkDescription["weightBytes"] {
  const bytes = (tensors: Iterable<Tensor>) => sum([...new Set(tensors)].map((one) => one.numel * elementBytes(one)));
  return {
    trained: bytes(parameters(module, true)),
    frozen: bytes(parameters(module, false)),
    buffers: bytes([...module.namedBuffers()].map(([, tensor]) => tensor)),
  };
}

const parameters = (module: nn.Module, trained: boolean): Tensor[] =>
  module.parameters().filter(({ requiresGrad }) => requiresGrad === trained);
const elementBytes = ({ dtype }: Tensor): number =>
  /64$/.test(dtype) ? 8 : /16$/.test(dtype) ? 2 : /8$|bool/.test(dtype) ? 1 : 4;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

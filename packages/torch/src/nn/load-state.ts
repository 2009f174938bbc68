import { distance } from "fastest-levenshtein";
import type { Dtype } from "../dtype.js";
import { noGrad } from "../mode.js";
import { Problem } from "../problem.js";
import { Tensor } from "../tensor.js";

/** A value of a state dict that is not in memory yet, as the `StoredTensor` of an open file. */
export interface LoadableTensor {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** Writes the elements over those of `target`, a tensor of the same shape, in its dtype and on its device. */
  copyTo(target: Tensor): void;
}

/** What `Module.loadStateDict` takes: tensors by name, in memory or in a file. */
export type StateSource = ReadonlyMap<string, Tensor | LoadableTensor>;

export interface LoadStateOptions {
  /** Refuse missing and unexpected names (default). Mis-shaped ones are always refused. */
  readonly strict?: boolean;
  /** Names that may be missing: they keep their values. */
  readonly optional?: (name: string) => boolean;
  /** How errors name the state: `checkpoint "a.pth"`. */
  readonly what?: string;
  /** How errors name a tensor of the state, where the file calls it otherwise than the module. */
  readonly nameInFile?: (name: string) => string;
}

/** What does not fit between a module and a state, by name. */
export interface Differences {
  /** The module's names that the state lacks. */
  readonly missing: readonly string[];
  /** The state's names that the module lacks. */
  readonly unexpected: readonly string[];
  /** Names of both whose shapes differ, or of which one holds integers and the other fractions. */
  readonly unlike: readonly string[];
}

type Described = ReadonlyMap<string, { readonly shape: readonly number[]; readonly dtype: Dtype }>;

/** Compares names, shapes and kinds of numbers; reads no element. */
export function compareState(
  own: Described,
  given: Described,
  optional: (name: string) => boolean = () => false,
): Differences {
  return {
    missing: [...own.keys()].filter((name) => !given.has(name) && !optional(name)),
    unexpected: [...given.keys()].filter((name) => !own.has(name)),
    unlike: [...own.keys()].filter((name) => {
      const [one, other] = [own.get(name)!, given.get(name)];
      return other && (one.shape.join() !== other.shape.join() || isFloating(one.dtype) !== isFloating(other.dtype));
    }),
  };
}

/** Copies each value into the tensor of its name. The names and shapes were compared before. */
export function copyState(own: ReadonlyMap<string, Tensor>, given: StateSource): void {
  noGrad(() => {
    for (const [name, tensor] of own) {
      const value = given.get(name);
      if (value instanceof Tensor) tensor.copy_(value);
      else value?.copyTo(tensor);
    }
  });
}

/** The differences in words, each missing or unexpected name with the closest on the other side beside it. */
export function describeDifferences(
  { missing, unexpected, unlike }: Differences,
  own: Described,
  given: Described,
  nameInFile: (name: string) => string = (name) => name,
): string {
  const inFile = new Map(unexpected.map((name) => [nameInFile(name), given.get(name)!.shape]));
  const inModule = new Map(missing.map((name) => [name, own.get(name)!.shape]));
  const withClosest = (name: string, shape: readonly number[], others: typeof inFile, where: string) => {
    const near = closest(name, shape, others);
    return near === undefined ? name : `${name} (closest in ${where}: ${near})`;
  };
  const kind = (tensor: { readonly shape: readonly number[]; readonly dtype: Dtype }) =>
    `${tensor.dtype} [${tensor.shape.join(", ")}]`;
  return [
    listed("missing", missing, (name) => withClosest(name, own.get(name)!.shape, inFile, "the file")),
    listed("unexpected", unexpected, (name) =>
      withClosest(nameInFile(name), given.get(name)!.shape, inModule, "the network"),
    ),
    listed(
      "unlike",
      unlike,
      (name) => `${nameInFile(name)} ${kind(given.get(name)!)} instead of ${kind(own.get(name)!)}`,
    ),
  ]
    .filter(Boolean)
    .join("; ");
}

/** Names shown of each kind; the rest is a count. */
const shownNames = 6;

function listed(kind: string, names: readonly string[], show: (name: string) => string): string {
  if (names.length === 0) return "";
  const rest = names.length - shownNames;
  return `${names.length} ${kind}: ${names.slice(0, shownNames).map(show).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/**
 * The name most like `name` by edit distance, undefined where none is half like it. Another shape counts as much as a third of the name,
 * so that of two spellings the one that could be meant wins.
 */
function closest(
  name: string,
  shape: readonly number[],
  others: ReadonlyMap<string, readonly number[]>,
): string | undefined {
  let best: string | undefined;
  let bestCost = name.length / 2;
  for (const [other, otherShape] of others) {
    const cost = distance(name, other) + (otherShape.join() === shape.join() ? 0 : name.length / 3);
    if (cost <= bestCost && (best === undefined || cost < bestCost)) [best, bestCost] = [other, cost];
  }
  return best;
}

function isFloating(dtype: Dtype): boolean {
  return dtype.startsWith("float") || dtype === "bfloat16" || dtype.startsWith("complex");
}

/** @throws Problem where `differences` has any (with `strict: false`, any that are unlike) */
export function refuseDifferences(differences: Differences, { own, given, network, options }: RefusalParts): void {
  const { strict = true, what = "the state dict", nameInFile } = options;
  const { missing, unexpected, unlike } = differences;
  if (unlike.length === 0 && (!strict || missing.length + unexpected.length === 0)) return;
  throw new Problem({
    what: `${what} does not fit ${network}`,
    found: describeDifferences(differences, own, given, nameInFile),
    expected: `${own.size} tensors named and shaped as this network's`,
    todo: "Check that the file belongs to this network and that the configuration (sizes, decoder, number of classes) is the one it was trained with.",
  });
}

interface RefusalParts {
  readonly own: Described;
  readonly given: Described;
  /** The module's class. */
  readonly network: string;
  readonly options: LoadStateOptions;
}

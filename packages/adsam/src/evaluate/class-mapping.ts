/**
 * Scoring a network on data of other classes than its own, in one set that both can be said in.
 *
 * Predictions are mapped as labels: the network's best class becomes the class it is in the other set. Probabilities of classes that
 * fall together could be added up first; the classes a network splits finely would then win where none of them is its answer, and label
 * pictures written earlier could not be scored the same way.
 */
import { Problem } from "@adsam/torch/problem";
import { type ClassMap, classIds, folded, ignored, readClassMap } from "../data/class-maps/class-map.js";
import { shippedClassMaps } from "../data/class-maps/shipped.js";
import { type ClassTable, IGNORE } from "../data/labels.js";

export interface ClassMapping {
  /** The map's name or file; `null` where both have the same classes and need none. */
  readonly title: string | null;
  /** What the map is applied to: the side whose classes are not the ones scored. */
  readonly appliedTo: "predictions" | "labels";
  /** The classes scored. */
  readonly classes: ClassTable;
  /** [classes of the network] → id scored, or {@link IGNORE}: a class it may not answer with. */
  readonly predictions: Uint8Array;
  /** [classes of the data set] → id scored, or {@link IGNORE}: pixels that count nowhere. */
  readonly labels: Uint8Array;
}

/** A class scored that one side cannot say, and so in no mean. */
export interface LeftOut {
  readonly name: string;
  readonly because: "never predicted" | "never labelled";
}

export interface MappingRequest {
  /** What the network was trained for. */
  readonly network: ClassTable;
  /** What the data set's labels say. */
  readonly data: ClassTable;
  /** `auto`, the name of a map that comes with the project, or a file. */
  readonly map: string;
}

const identity = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, id) => id);
const firstNames = ({ names }: ClassTable): string => `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`;

/**
 * A map from the network's classes to the data set's is applied to predictions; one from the data set's to the network's, to labels.
 * `auto` takes the maps that come with the project, and of the two between a pair of sets the one to the smaller set: in it every class
 * of either side has its place, where the larger one has classes that the other side cannot tell apart.
 * @throws Problem for a map that does not fit, naming the classes, and where `auto` finds none
 */
export async function classMapping({ network, data, map }: MappingRequest): Promise<ClassMapping> {
  if (map !== "auto") return mapped(await named(map), network, data);
  const same = byName(network, data);
  if (same) return same;
  const fitting = [...(await shippedClassMaps()).values()]
    .map((each) => attempt(() => mapped(each, network, data)))
    .filter((mapping) => mapping !== undefined)
    .sort((a, b) => a.classes.names.length - b.classes.names.length);
  if (fitting[0]) return fitting[0];
  throw new Problem({
    what: "--label-map auto",
    found: `no map between the network's ${network.names.length} classes (${firstNames(network)}) and the data's ${data.names.length} (${firstNames(data)})`,
    expected: `one of ${[...(await shippedClassMaps()).keys()].join(", ")}`,
    todo: "Write your own, from either set to the other, and give its file with --label-map.",
  });
}

/** The same mapping for labels of the network's own classes: what the network was trained on, scored in the same classes. */
export function atHome(mapping: ClassMapping): ClassMapping {
  return { ...mapping, labels: mapping.predictions };
}

/** The classes scored that both a prediction and a label can be. */
export function scoredClasses({ classes, predictions, labels }: ClassMapping): number[] {
  return classes.names.map((_, id) => id).filter((id) => predictions.includes(id) && labels.includes(id));
}

export function leftOut({ classes, predictions, labels }: ClassMapping): LeftOut[] {
  return classes.names.flatMap((name, id): LeftOut[] => {
    if (!predictions.includes(id)) return [{ name, because: "never predicted" }];
    return labels.includes(id) ? [] : [{ name, because: "never labelled" }];
  });
}

async function named(map: string): Promise<ClassMap> {
  const shipped = await shippedClassMaps();
  const found = shipped.get(map);
  if (found) return found;
  if (/[./\\]/.test(map)) return readClassMap(map);
  const expected = `auto, one of ${[...shipped.keys()].join(", ")}, or the path of a YAML file`;
  throw new Problem({ what: "--label-map", found: `"${map}"`, expected });
}

/** The direction is told by the classes that the map speaks of. */
function mapped(map: ClassMap, network: ClassTable, data: ClassTable): ClassMapping {
  const speaksOf = ({ names }: ClassTable) => {
    const own = new Set(names.map(folded));
    return [...map.targets.keys()].filter((name) => own.has(folded(name))).length / names.length;
  };
  const { title } = map;
  if (speaksOf(network) >= speaksOf(data)) {
    const predictions = classIds(map, network.names, data.names);
    if (predictions.every((id) => id === IGNORE)) {
      const found = `every class of the network ${ignored}`;
      throw new Problem({ what: `label map "${title}"`, found, expected: "at least one that is scored" });
    }
    return { title, appliedTo: "predictions", classes: data, predictions, labels: identity(data.names.length) };
  }
  const labels = classIds(map, data.names, network.names);
  return { title, appliedTo: "labels", classes: network, predictions: identity(network.names.length), labels };
}

/** Both sets hold the same names, perhaps in another order. */
function byName(network: ClassTable, data: ClassTable): ClassMapping | undefined {
  const ids = new Map(data.names.map((name, id) => [folded(name), id]));
  const predictions = network.names.map((name) => ids.get(folded(name)));
  if (network.names.length !== data.names.length || predictions.includes(undefined)) return undefined;
  const labels = identity(data.names.length);
  return {
    title: null,
    appliedTo: "predictions",
    classes: data,
    predictions: Uint8Array.from(predictions as number[]),
    labels,
  };
}

/** undefined where it is a Problem: a map between other sets. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

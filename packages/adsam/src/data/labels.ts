/** One label table a data set: which ids its label pictures hold, what they mean, and which of them are learned and scored. */
import { Problem } from "@adsam/torch/problem";

/** Red, green, blue, each 0…255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** The train id of pixels that are neither learned from nor scored. */
export const IGNORE = 255;
/** In an {@link IdLookup}: an id that the data set does not define. A pixel carrying it is an error, not an ignored pixel. */
export const UNKNOWN = 254;
/** Train ids 0…253 are classes; 254 and 255 are {@link UNKNOWN} and {@link IGNORE}. */
export const MAX_CLASSES = 254;

export interface Label {
  /** The value in the data set's label pictures, 0…65535. */
  readonly id: number;
  /** The channel of the network's logits, 0…numClasses−1, or {@link IGNORE}. */
  readonly trainId: number;
  readonly name: string;
  readonly colour: Rgb;
  readonly category: string;
  readonly ignored: boolean;
}

/** What a network and a score need to know of a label table: class `k` is called `names[k]` and painted in `colours[k]`. */
export interface ClassTable {
  readonly names: readonly string[];
  readonly colours: readonly Rgb[];
  readonly ignoreIndex: 255;
}

/** `lookup[id]` is the train id, {@link IGNORE}, or {@link UNKNOWN}; one entry for every 16-bit id. */
export type IdLookup = Uint8Array;

type Row = readonly [id: number, trainId: number, name: string, category: string, colour: Rgb];

const label = ([id, trainId, name, category, colour]: Row): Label => ({
  id,
  trainId,
  name,
  colour,
  category,
  ignored: trainId === IGNORE,
});

const cityscapesRows: readonly Row[] = [
  [0, IGNORE, "unlabeled", "void", [0, 0, 0]],
  [1, IGNORE, "ego vehicle", "void", [0, 0, 0]],
  [2, IGNORE, "rectification border", "void", [0, 0, 0]],
  [3, IGNORE, "out of roi", "void", [0, 0, 0]],
  [4, IGNORE, "static", "void", [0, 0, 0]],
  [5, IGNORE, "dynamic", "void", [111, 74, 0]],
  [6, IGNORE, "ground", "void", [81, 0, 81]],
  [7, 0, "road", "flat", [128, 64, 128]],
  [8, 1, "sidewalk", "flat", [244, 35, 232]],
  [9, IGNORE, "parking", "flat", [250, 170, 160]],
  [10, IGNORE, "rail track", "flat", [230, 150, 140]],
  [11, 2, "building", "construction", [70, 70, 70]],
  [12, 3, "wall", "construction", [102, 102, 156]],
  [13, 4, "fence", "construction", [190, 153, 153]],
  [14, IGNORE, "guard rail", "construction", [180, 165, 180]],
  [15, IGNORE, "bridge", "construction", [150, 100, 100]],
  [16, IGNORE, "tunnel", "construction", [150, 120, 90]],
  [17, 5, "pole", "object", [153, 153, 153]],
  [18, IGNORE, "polegroup", "object", [153, 153, 153]],
  [19, 6, "traffic light", "object", [250, 170, 30]],
  [20, 7, "traffic sign", "object", [220, 220, 0]],
  [21, 8, "vegetation", "nature", [107, 142, 35]],
  [22, 9, "terrain", "nature", [152, 251, 152]],
  [23, 10, "sky", "sky", [70, 130, 180]],
  [24, 11, "person", "human", [220, 20, 60]],
  [25, 12, "rider", "human", [255, 0, 0]],
  [26, 13, "car", "vehicle", [0, 0, 142]],
  [27, 14, "truck", "vehicle", [0, 0, 70]],
  [28, 15, "bus", "vehicle", [0, 60, 100]],
  [29, IGNORE, "caravan", "vehicle", [0, 0, 90]],
  [30, IGNORE, "trailer", "vehicle", [0, 0, 110]],
  [31, 16, "train", "vehicle", [0, 80, 100]],
  [32, 17, "motorcycle", "vehicle", [0, 0, 230]],
  [33, 18, "bicycle", "vehicle", [119, 11, 32]],
];

/** Cityscapes' `labelIds` (Cordts et al., CVPR 2016): ids 0…33, 19 of them classes, in the benchmark's names and colours. */
export const cityscapesLabels: readonly Label[] = cityscapesRows.map(label);

const void255: Row = [255, IGNORE, "void", "void", [0, 0, 0]];

/** Pictures that already hold Cityscapes' train ids (`labelTrainIds`): 0…18, and 255 for everything else. */
export const cityscapesTrainIdLabels: readonly Label[] = [
  ...cityscapesLabels.filter((row) => !row.ignored).map((row) => ({ ...row, id: row.trainId })),
  label(void255),
];

/** BDD100K's semantic masks (Yu et al., CVPR 2020): Cityscapes' 19 train ids, 255 ignored. */
export const bdd100kLabels: readonly Label[] = cityscapesTrainIdLabels;

const camvidRows: readonly Row[] = [
  [0, 0, "sky", "sky", [128, 128, 128]],
  [1, 1, "building", "construction", [128, 0, 0]],
  [2, 2, "pole", "object", [192, 192, 128]],
  [3, 3, "road", "flat", [128, 64, 128]],
  [4, 4, "pavement", "flat", [60, 40, 222]],
  [5, 5, "tree", "nature", [128, 128, 0]],
  [6, 6, "sign", "object", [192, 128, 128]],
  [7, 7, "fence", "construction", [64, 64, 128]],
  [8, 8, "car", "vehicle", [64, 0, 128]],
  [9, 9, "pedestrian", "human", [64, 64, 0]],
  [10, 10, "bicyclist", "human", [0, 128, 192]],
  [11, IGNORE, "void", "void", [0, 0, 0]],
];

/** CamVid's 11 classes and void as SegNet published them (Badrinarayanan et al., PAMI 2017), in SegNet's colours. */
export const camvidLabels: readonly Label[] = camvidRows.map(label);

const iddLiteRows: readonly Row[] = [
  [0, 0, "drivable", "flat", [128, 64, 128]],
  [1, 1, "non-drivable", "flat", [81, 0, 81]],
  [2, 2, "living things", "human", [220, 20, 60]],
  [3, 3, "vehicles", "vehicle", [0, 0, 142]],
  [4, 4, "roadside objects", "object", [220, 190, 40]],
  [5, 5, "far objects", "construction", [107, 142, 35]],
  [6, 6, "sky", "sky", [70, 130, 180]],
  void255,
];

/** The seven classes of IDD-Lite, the first level of IDD's hierarchy (Varma et al., WACV 2019); 255 ignored. The colours are ours. */
export const iddLiteLabels: readonly Label[] = iddLiteRows.map(label);

/**
 * The classes of a label table in the order of their train ids. Several ids may share a train id; the first row names it.
 * @throws Problem where a train id between 0 and the largest has no row, or there are more than {@link MAX_CLASSES}.
 */
export function classTable(labels: readonly Label[]): ClassTable {
  const classes: Label[] = [];
  for (const row of labels) if (!row.ignored) classes[row.trainId] ??= row;
  if (classes.length === 0 || classes.length > MAX_CLASSES)
    throw new Problem({ what: "label table", found: `${classes.length} classes`, expected: `1 to ${MAX_CLASSES}` });
  for (let k = 0; k < classes.length; k++)
    if (!classes[k])
      throw new Problem({
        what: "label table",
        found: `no row with train id ${k}`,
        expected: `0…${classes.length - 1}`,
      });
  return { names: classes.map((row) => row.name), colours: classes.map((row) => row.colour), ignoreIndex: IGNORE };
}

/** The table's id → train id function as an array over all 16-bit ids. */
export function idToTrainId(labels: readonly Label[]): IdLookup {
  const lookup = new Uint8Array(65536).fill(UNKNOWN);
  for (const row of labels) {
    if (!Number.isInteger(row.id) || row.id < 0 || row.id > 65535)
      throw new Problem({ what: `label "${row.name}"`, found: `id ${row.id}`, expected: "an integer, 0…65535" });
    if (lookup[row.id] !== UNKNOWN)
      throw new Problem({ what: `label "${row.name}"`, found: `id ${row.id} used twice`, expected: "one row an id" });
    lookup[row.id] = row.ignored ? IGNORE : row.trainId;
  }
  return lookup;
}

/** Names of the ids a table defines, for messages: `0…33` or `0…18, 255`. */
export function describeIds(lookup: IdLookup): string {
  const runs: string[] = [];
  for (let id = 0; id < lookup.length; id++) {
    if (lookup[id] === UNKNOWN) continue;
    const first = id;
    while (id + 1 < lookup.length && lookup[id + 1] !== UNKNOWN) id++;
    runs.push(first === id ? `${id}` : `${first}…${id}`);
  }
  return runs.join(", ");
}

/** The 19 classes shared by Cityscapes and BDD100K. */
export const cityscapesClasses: ClassTable = classTable(cityscapesLabels);
export const camvidClasses: ClassTable = classTable(camvidLabels);
export const iddLiteClasses: ClassTable = classTable(iddLiteLabels);

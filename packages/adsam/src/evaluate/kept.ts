import type { Dataset } from "../data/dataset.js";
import type { BootstrapOptions } from "../metrics/bootstrap.js";
import { type Retention, retentionBetween, retentionRule } from "../metrics/retention.js";
import { type ClassMapping, scoredClasses } from "./class-mapping.js";
import type { Detail } from "./in-detail.js";

/** Retention as plain data: what `adsam eval --retention --json` prints. */
export interface KeptScores extends Omit<Retention, "classes"> {
  /** The data set the network was trained on, and how many of its pictures were scored. */
  readonly from: string;
  readonly split: string;
  readonly pictures: number;
  /** Names of the classes that both scores are means over. */
  readonly classes: readonly string[];
  readonly rule: string;
}

/**
 * @param unseen of the data at hand by the mapping; @param trained of `home` by the same mapping `atHome`
 */
export function keptScores(
  {
    unseen,
    trained,
    home,
    mapping,
  }: {
    readonly unseen: Detail;
    readonly trained: Detail;
    readonly home: Dataset;
    readonly mapping: ClassMapping;
  },
  options: BootstrapOptions = {},
): KeptScores {
  const { classes, ...kept } = retentionBetween(
    { unseen: unseen.pictures, trained: trained.pictures },
    scoredClasses(mapping),
    options,
  );
  return {
    ...kept,
    from: home.name,
    split: home.split,
    pictures: trained.pictures.length,
    classes: classes.map((k) => mapping.classes.names[k]!),
    rule: `${retentionRule}; the interval is a bootstrap over the pictures of both`,
  };
}

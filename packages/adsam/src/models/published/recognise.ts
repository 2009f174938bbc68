import { Problem } from "@adsam/torch";
import { type Family, type FamilyRule, families, type Part, strangers } from "./families.js";
import { renamer } from "./rename.js";

/** What a flat state dict turned out to be. */
export interface Recognised {
  readonly family: Family;
  readonly title: string;
  /** This project's name → the name in the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Names of the file that stand for a tensor which it also holds under another: [kept, other]. */
  readonly duplicates: readonly (readonly [string, string])[];
  /** Where each network that the file holds begins, under this project's names. */
  readonly parts: ReadonlyMap<Part, string>;
}

/** What wrappers put in front of every name: DataParallel, torch.compile, Lightning and the like; the last is this project's own. */
const wrappers = new Set(["module", "model", "_orig_mod", "net", "network", "sam", "sam_model", "sam_encoder"]);

/**
 * Tells by its names what a state dict is, and what this project calls its tensors.
 * @param names of the file, all of them
 * @throws Problem for a network that is not known here, and for two names of one tensor that no known file has
 */
export function recognisePublished(names: Iterable<string>, what = "state dict"): Recognised {
  const all = [...names];
  const prefix = commonPrefix(all);
  const inner = all.map((name) => name.slice(prefix.length));
  for (const { signature, title } of strangers)
    if (fits(signature, inner) && !families.some((rule) => fits(rule.signature, inner)))
      throw unknown(what, title, inner);
  const rule = families.find(({ signature }) => fits(signature, inner));
  if (rule === undefined) throw unknown(what, undefined, inner);

  const rename = renamer(rule.names ?? []);
  const own = new Map<string, string>();
  const duplicates: [string, string][] = [];
  for (const [index, name] of inner.entries()) {
    const renamed = rename(name) ?? name;
    const before = own.get(renamed);
    if (before === undefined) own.set(renamed, all[index]!);
    else duplicates.push([before, all[index]!]);
  }
  return { family: rule.family, title: rule.title, names: own, duplicates, parts: partsOf(rule, own) };
}

function fits(signature: readonly string[], names: readonly string[]): boolean {
  return signature.every((sign) => names.some((name) => (sign.endsWith(".") ? name.startsWith(sign) : name === sign)));
}

/** The wrappers' words that every name begins with, each with its point. */
function commonPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const word = /^[^.]+/.exec(names[0]?.slice(prefix.length) ?? "")?.[0];
    const longer = `${prefix}${word}.`;
    if (word === undefined || !wrappers.has(word) || !names.every((name) => name.startsWith(longer))) return prefix;
    prefix = longer;
  }
}

function partsOf({ parts }: FamilyRule, own: ReadonlyMap<string, string>): Map<Part, string> {
  const names = [...own.keys()];
  const present = (part: Part, start: string) =>
    part === "sam"
      ? names.some((name) => name.startsWith("mask_decoder."))
      : names.some((name) => name.startsWith(start));
  return new Map((Object.entries(parts) as [Part, string][]).filter(([part, start]) => present(part, start)));
}

function unknown(what: string, title: string | undefined, names: readonly string[]): Problem {
  const some = `${names.slice(0, 4).join(", ")}${names.length > 4 ? `, … (${names.length} names)` : ""}`;
  return new Problem({
    what,
    found: title ?? `a network with the parameters ${some || "of none"}`,
    expected: "SAM, MobileSAM, AD-SAM, ResNet or DeepLabV3, by the names of one of their public checkpoints",
  });
}

/** The names in a study's file: each is one of the study's, and stands where it means something. */
import { Problem } from "@adsam/torch/problem";
import { nearestKey, show } from "../../train/recipe-fields.js";
import { likeChain } from "./layers.js";
import type { KeyPath } from "./lines.js";
import type { StudyFile } from "./schema.js";

/** @throws Problem naming line and key */
export function requireNames(study: StudyFile, at: (keys: KeyPath) => string): void {
  const knownIn = (keys: readonly string[], what: string, given: readonly string[], all: object) => {
    const place = given.findIndex((one) => !Object.hasOwn(all, one));
    if (place < 0) return;
    const names = Object.keys(all);
    const near = nearestKey(given[place]!, names);
    throw new Problem({
      what: `study ${at([...keys, place])}, key "${keys.join(".")}"`,
      found: `the unknown ${what} "${given[place]}"`,
      expected: `one of ${names.join(", ")}`,
      ...(near !== undefined && names.includes(near) && { todo: `Did you mean "${near}"?` }),
    });
  };
  requireSystems(study, at, knownIn);
  for (const [name, { asks, systems, train, test, budgets, pictures, labelMap }] of Object.entries(study.experiments)) {
    const here = ["experiments", name];
    const known = (key: string, ...rest: readonly [what: string, given: readonly string[], all: object]) =>
      knownIn([...here, key], ...rest);
    if (systems !== "all") known("systems", "system", systems, study.systems);
    known("train", "data set", train, study.data);
    known("test", "data set", test ?? [], study.data);
    for (const some of Array.isArray(budgets) ? [budgets] : Object.values(budgets ?? {}))
      known("budgets", "budget", some, study.budgets);
    if (budgets !== undefined && !Array.isArray(budgets)) {
      known("budgets", "data set", Object.keys(budgets), study.data);
      const without = train.find((one) => budgets[one] === undefined);
      if (without !== undefined) {
        const what = `study ${at([...here, "budgets"])}, key "${[...here, "budgets"].join(".")}"`;
        throw new Problem({ what, found: `nothing for ${without}`, expected: "budgets of each data set trained on" });
      }
    }
    const needs = (key: string, value: unknown, wanted: boolean, why: string) => {
      if ((value !== undefined) === wanted) return;
      const what = `study ${at([...here, key])}, key "${[...here, key].join(".")}"`;
      throw new Problem({ what, found: wanted ? "nothing" : show(value), expected: why });
    };
    needs(
      "test",
      test,
      asks === "transfer",
      asks === "transfer" ? "data sets to score on" : "nothing: only a transfer has it",
    );
    if (asks !== "transfer") needs("labelMap", labelMap, false, "nothing: only a transfer has it");
    const isPart = asks === "data-efficiency";
    needs(
      "pictures",
      pictures,
      isPart,
      isPart ? "sizes of the training split" : "nothing: only data efficiency has it",
    );
    const trains = asks !== "efficiency";
    needs(
      "budgets",
      budgets,
      trains,
      trains ? `names among ${Object.keys(study.budgets).join(", ")}` : "nothing: nothing is trained",
    );
  }
  const titles = new Map<string, string>();
  for (const [name, { kind, draw, title }] of Object.entries(study.data)) {
    const namesake = titles.get(title);
    if (namesake !== undefined)
      throw new Problem({
        what: `study ${at(["data", name])}, key "data.${name}.title"`,
        found: `"${title}", as of ${namesake}`,
        expected: "a title of its own: the results tell data sets apart by it",
      });
    titles.set(title, name);
    if ((kind === "synthetic") !== (draw !== undefined)) {
      const what = `study ${at(["data", name])}, key "data.${name}.draw"`;
      throw new Problem({
        what,
        found: draw ? `scenes to draw for kind ${kind}` : "nothing",
        expected: draw ? "kind synthetic" : "what to draw: domain, train, val",
      });
    }
  }
}

type KnownIn = (keys: readonly string[], what: string, given: readonly string[], all: object) => void;

/** Systems that others are like are there, in no circle; one system is what the study is about. */
function requireSystems({ systems }: StudyFile, at: (keys: KeyPath) => string, knownIn: KnownIn): void {
  for (const [name, { like }] of Object.entries(systems)) {
    if (like === undefined) continue;
    const keys = ["systems", name, "like"];
    knownIn(keys, "system", [like], systems);
    const chain = likeChain(systems, name);
    if (new Set(chain).size < chain.length)
      throw new Problem({
        what: `study ${at(keys)}, key "${keys.join(".")}"`,
        found: `a circle, ${chain.join(" → ")}`,
        expected: "a system that is not like this one",
      });
  }
  const subjects = Object.keys(systems).filter((name) => systems[name]!.kind === "subject");
  if (subjects.length !== 1)
    throw new Problem({
      what: `study ${at(["systems"])}, key "systems"`,
      found: subjects.length === 0 ? "no system of kind subject" : `${subjects.join(" and ")} of kind subject`,
      expected: "one: the system that the study is about",
    });
}

/**
 * What the layers of a study say of one run, weakest first: the study's recipe, the system's (beneath it those of the systems it is
 * `like`), the data set's, the experiment's. Beneath them all lie the defaults of the system's own recipe (`train/systems/*-recipe.ts`).
 *
 * A field that does nothing for the system is left out, because the others meant it for the systems that have it; only the system's own
 * entry meant this system, and is refused.
 */
import type { SystemName } from "../../train/systems/names.js";
import { ownRecipes } from "../../train/systems/own-recipes.js";
import type { FieldValues } from "./fragment.js";
import type { Study } from "./read.js";

interface LayersOf {
  readonly system: string;
  readonly data: string;
  readonly experiment: string;
}

export function layeredFields(
  { common, systems, fields }: Pick<Study, "common" | "systems" | "fields">,
  { system, data, experiment }: LayersOf,
): FieldValues {
  const own = fields.systems.get(system)!;
  const models = likeChain(systems, system).slice(1).reverse();
  const beneath = [common, ...models.map((name) => fields.systems.get(name)!)];
  const above = [fields.data.get(data)!, fields.experiments.get(experiment)!];
  const said = [...beneath, own, ...above].findLast((layer) => layer.has("model.name"))?.get("model.name");
  const { unused } = ownRecipes[(said?.value ?? "ad-sam") as SystemName];
  const used = (layer: FieldValues) => [...layer].filter(([path]) => !unused.includes(path));
  return new Map([...beneath.flatMap(used), ...own, ...above.flatMap(used)]);
}

/** A system, the one that it is like, the one that this is like, and so on; it ends where one comes again. */
export function likeChain(systems: Readonly<Record<string, { readonly like?: string | undefined }>>, name: string) {
  const chain = [name];
  for (let next = systems[name]?.like; next !== undefined; next = systems[next]?.like) {
    if (chain.includes(next)) return [...chain, next];
    chain.push(next);
  }
  return chain;
}

import { Problem } from "@adsam/torch/problem";
import { folded } from "../data/class-maps/class-map.js";
import type { Dataset } from "../data/dataset.js";
import type { CheckpointHeader } from "./checkpoint.js";
import { overRecipe } from "./recipe.js";
import { openSplit } from "./start.js";

/**
 * The validation split of what a network was trained on: what its scores elsewhere are compared with.
 * @param folder where that data set stands, if not where the run found it
 * @param limit so many of its pictures at most, drawn; `all` and nothing: all
 * @throws Problem where the checkpoint does not say, and where the data set at hand has other classes
 */
export async function openHome(
  { recipe, classes, progress }: CheckpointHeader,
  { folder, limit }: { readonly folder?: string | undefined; readonly limit?: string | undefined } = {},
): Promise<Dataset> {
  if (folder === undefined && (progress === null || recipe.data.root === null))
    throw new Problem({
      what: "--retention",
      found: "a checkpoint that does not say what data set it was trained on",
      expected: "that data set's folder: --retention FOLDER",
    });
  const flags = {
    ...(folder !== undefined && { "data.root": folder }),
    "data.limitVal": limit === "all" ? null : (limit ?? null),
  };
  const spelled = { "data.root": "--retention", "data.limitVal": "--retention-limit" };
  const home = await openSplit(overRecipe(recipe, { flags, spelled }), "val");
  const { names } = home.classes;
  if (names.length === classes.names.length && names.every((name, id) => folded(name) === folded(classes.names[id]!)))
    return home;
  throw new Problem({
    what: `--retention, ${home.name}`,
    found: `the classes ${names.join(", ")}`,
    expected: `${classes.names.join(", ")}, as the network learned them`,
  });
}

import { Problem } from "@adsam/torch/problem";
import { Option } from "commander";
import type { Dataset } from "../data/dataset.js";
import type { ClassMapping } from "../evaluate/class-mapping.js";
import type { EvaluationOptions, ScoredPicture } from "../evaluate/evaluate.js";
import type { CheckpointHeader } from "../train/checkpoint.js";
import type { Recipe } from "../train/recipe-schema.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { addShortOptions, encoderWeightsHelp, kindOption, type RecipeFlags, recipeFlags } from "./options.js";
import { exitCodes, type Output } from "./output.js";
import { progressLine } from "./progress-line.js";
import { addRefineOptions, type RefineFlags, refinementOf } from "./refine-options.js";
import { printRetention, printScores } from "./scores-print.js";

interface EvalFlags extends RefineFlags {
  readonly kind?: Recipe["data"]["kind"];
  readonly split?: string;
  readonly limit?: string;
  readonly resolution?: "label" | "network";
  readonly labelMap?: string;
  readonly boundary?: true | string;
  readonly retention?: true | string;
  readonly retentionLimit?: string;
  readonly encoderWeights?: string;
  readonly confusion?: true;
  readonly perPicture?: true;
  readonly keepPictures?: string;
  readonly json?: true;
}

/** `adsam eval CHECKPOINT --data FOLDER` */
export const command: CommandFile = {
  define(evaluate, output) {
    evaluate
      .description(
        "Scores a checkpoint on a data set: IoU of each class, mIoU, accuracies, over one confusion matrix of the whole split.",
      )
      .argument("<checkpoint>", "best.pth or last.pth of a run, or AD-SAM's weights as its authors save them");
    addShortOptions(evaluate, ["data", "size", "device", "threads", "precision"]);
    addRefineOptions(evaluate);
    evaluate
      .addOption(kindOption())
      .option("--split <name>", "split to score (default: the validation split of the run)")
      .option("--limit <integer>", "score so many pictures at most")
      .addOption(
        new Option(
          "--resolution <which>",
          "where predictions meet labels: at the label's own size, or at the network's",
        )
          .choices(["label", "network"])
          .default("label"),
      )
      .option("--boundary [pixels]", "also boundary F1, by this tolerance or 0.75 % of the diagonal, and boundary IoU")
      .option(
        "--label-map <auto|name|file>",
        "for data of other classes than the network's: which are which; auto looks among those that come with adsam",
      )
      .option(
        "--retention [folder]",
        "also score the data the network was trained on, in the same classes: how much of its mIoU it keeps; folder: where that is now",
      )
      .option("--retention-limit <integer|all>", "score so many pictures of that data at most (default: as --limit)")
      .option("--encoder-weights <path>", encoderWeightsHelp)
      .option("--confusion", "with --json: the confusion matrix as well")
      .option("--per-picture", "with --json: what each picture adds to it, by class")
      .option(
        "--keep-pictures <folder>",
        "keep each picture with its label and its prediction in class colours, to look at",
      )
      .option("--json", "print the result as JSON")
      .action((checkpoint: string, flags: EvalFlags, command) => run(checkpoint, flags, recipeFlags(command), output));
  },
};

async function run(checkpoint: string, flags: EvalFlags, given: RecipeFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { loadNetwork } = await import("../train/checkpoint.js");
  const { chooseCompute } = await import("../compute.js");
  const { overRecipe } = await import("../train/recipe.js");
  const { openSplit } = await import("../train/start.js");
  const { openHome } = await import("../train/home-domain.js");
  const { atHome } = await import("../evaluate/class-mapping.js");
  const { evaluateInDetail } = await import("../evaluate/in-detail.js");
  const { keptScores } = await import("../evaluate/kept.js");
  const { scoresOf } = await import("../evaluate/scores.js");
  const boundary = boundaryOf(flags.boundary);
  const { encoderWeights } = flags;
  const loaded = loadNetwork(checkpoint, encoderWeights === undefined ? {} : { encoderWeights });
  const recipe = overRecipe(loaded.recipe, scoringFlags(loaded.recipe, flags, given));
  const compute = chooseCompute(recipe.run);
  const dataset = await openSplit(recipe, "val");
  const mapping = await mappingOf(loaded, dataset, flags, output);
  const folder = flags.retention === true ? undefined : flags.retention;
  const home =
    flags.retention && mapping
      ? await openHome(loaded, { folder, limit: flags.retentionLimit ?? flags.limit })
      : undefined;
  const resolution = flags.resolution ?? "label";
  const refinement = await refinementOf(flags);
  const network = loaded.network.to({ device: compute.device });
  const signal = stopSignal(output, "scoring what was seen so far");
  const { PictureKeeper } = await import("../evaluate/kept-pictures.js");
  const classes = mapping?.classes ?? dataset.classes;
  const keeper = flags.keepPictures === undefined ? undefined : new PictureKeeper(flags.keepPictures, dataset, classes);

  const scored = async (
    data: Dataset,
    more: Pick<EvaluationOptions, "mapping" | "onPrediction"> & { boundary?: typeof boundary },
  ) => {
    const bar = progressLine(output, `${data.name}, ${data.split}`);
    const detail = await evaluateInDetail({
      network,
      dataset: data,
      input: recipe.input,
      resolution,
      refinement,
      compute,
      workers: recipe.data.workers,
      signal,
      onProgress: (done, total) => bar.update(done, total),
      onNotReplayed: (reason) => output.warning(`the GPU was given the network piece by piece: ${reason}`),
      ...more,
    });
    bar.end();
    return detail;
  };
  const onPrediction = keeper && ((picture: ScoredPicture) => keeper.keep(picture));
  const unseen = await scored(dataset, { mapping, boundary, ...(onPrediction && { onPrediction }) });
  const trained = home && mapping && !signal.aborted ? await scored(home, { mapping: atHome(mapping) }) : undefined;
  const isHomeWhole = trained?.pictures.length === home?.samples.length; // a part of it would make another retention
  const { matrix, pictures } = unseen;
  const detail = { pictures: pictures.length, mapping, boundary: unseen.boundary };
  const scores = scoresOf(matrix, dataset, resolution, detail);
  const retention =
    trained && isHomeWhole ? keptScores({ unseen, trained, home: home!, mapping: mapping! }) : undefined;
  const result = {
    ...scores,
    ...(refinement && { refinement }),
    ...(retention && { retention }),
    ...(flags.confusion && { confusion: matrix.toJSON() }),
    ...(flags.perPicture && { perPicture: pictures }),
    ...(keeper && { keptPictures: keeper.kept }),
  };
  output.result(result, () => {
    printScores(scores, output);
    if (retention) printRetention(retention, output);
  });
  if (signal.aborted) {
    const [stopped, seen] = trained ? [home!, trained.pictures.length] : [dataset, pictures.length];
    const isWhole = pictures.length === dataset.samples.length;
    const left = isWhole ? `the scores on ${dataset.name} are whole` : "the scores are those of a part";
    const without = flags.retention && !retention ? ", without retention" : "";
    output.warning(`stopped after ${seen} of ${stopped.samples.length} pictures of ${stopped.name}: ${left}${without}`);
    process.exitCode = exitCodes.interrupted;
  }
}

/** What scores of the network and of the data's labels are said in; undefined where both have the same classes in the same places. */
async function mappingOf(
  { classes, progress }: CheckpointHeader,
  dataset: Dataset,
  { labelMap, retention }: EvalFlags,
  output: Output,
): Promise<ClassMapping | undefined> {
  const { classMapping } = await import("../evaluate/class-mapping.js");
  if (labelMap !== undefined || retention !== undefined)
    return classMapping({ network: classes, data: dataset.classes, map: labelMap ?? "auto" });
  const { names } = classes;
  const other = dataset.classes.names.findIndex((name, id) => names[id] !== undefined && names[id] !== name);
  if (other >= 0 && dataset.classes.names.length === names.length)
    output.warning(
      progress === null
        ? `the checkpoint does not name its classes: those of ${dataset.name} are taken, in their order`
        : `${dataset.name} calls class ${other} "${dataset.classes.names[other]}"; the network learned it as "${names[other]}"`,
    );
  return undefined;
}

function boundaryOf(flag: EvalFlags["boundary"]): { readonly tolerance: number | null } | undefined {
  if (flag === undefined) return undefined;
  if (flag === true) return { tolerance: null };
  const tolerance = Number(flag);
  if (flag.trim() !== "" && Number.isFinite(tolerance) && tolerance >= 0) return { tolerance };
  throw new Problem({ what: "--boundary", found: `"${flag}"`, expected: "pixels, 0 or more, or nothing after it" });
}

/** The data set and the machine are today's, the rest is the run's. */
function scoringFlags(saved: Recipe, flags: EvalFlags, given: RecipeFlags): RecipeFlags {
  const own = { "data.kind": flags.kind, "data.valSplit": flags.split, "data.limitVal": flags.limit };
  return {
    spelled: { "data.kind": "--kind", "data.valSplit": "--split", "data.limitVal": "--limit", ...given.spelled },
    flags: {
      ...("data.root" in given.flags && { "data.kind": "auto", "data.valSplit": "val" }),
      "data.limitVal": null,
      "run.device": "auto",
      "run.threads": "auto",
      ...(saved.run.precision === "float16" && { "run.precision": "auto" }),
      ...given.flags,
      ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)),
    },
  };
}

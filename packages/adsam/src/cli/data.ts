import { resolve } from "node:path";
import { Problem } from "@adsam/torch/problem";
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import type { Dataset } from "../data/dataset.js";
import type { Inspection } from "../data/inspect.js";
import type { datasetLayouts } from "../data/layouts.js";
import type { CommandFile } from "./command.js";
import { kindOption } from "./options.js";
import { exitCodes, type Output } from "./output.js";
import { progressLine } from "./progress-line.js";

interface LookOptions {
  readonly kind: (typeof datasetLayouts)[number];
  readonly split?: string[];
  readonly workers?: number;
  readonly json?: true;
}

interface ConvertOptions {
  readonly table: string;
  readonly from: "colours" | "ids" | "auto";
  readonly to: "ids" | "trainIds";
  readonly workers?: number;
  readonly json?: true;
}

/** Splits looked at where none is named; those that are not there are left out. */
const usualSplits = ["train", "val", "test"];

/** `adsam data inspect|check|convert`: needs no libtorch. */
export const command: CommandFile = {
  define(data, output) {
    const inspect = data.command("inspect").summary("ids found, class shares, sizes, and what is wrong");
    lookOptions(inspect.description("Looks at every picture and label of a data set."));
    inspect.action((root: string, options: LookOptions) => look(root, options, output, "inspect"));

    const check = data.command("check").summary("only what is wrong; exit code 1 where something is");
    lookOptions(check.description("Looks for what would keep a data set from being trained on or scored."));
    check.action((root: string, options: LookOptions) => look(root, options, output, "check"));

    data
      .command("convert")
      .summary("labels from colours or ids to grey PNGs of ids")
      .description(
        "Turns a folder of labels into grey PNGs of ids or train ids, in the same places under another folder.",
      )
      .argument("<source>", "folder of label pictures")
      .argument("<target>", "folder for the result; made where it is not there")
      .addOption(
        new Option(
          "--table <name>",
          "class table: cityscapes, bdd100k, camvid, idd-lite, or a folder data set's description in YAML",
        ).makeOptionMandatory(),
      )
      .addOption(new Option("--from <form>", "what the files hold").choices(["auto", "colours", "ids"]).default("auto"))
      .addOption(new Option("--to <form>", "what is wanted").choices(["ids", "trainIds"]).default("trainIds"))
      .option("--workers <integer>", "threads; 0 works on the main one", wholeNumber)
      .option("--json", "print the result as JSON")
      .action((source: string, target: string, options: ConvertOptions) => convert(source, target, options, output));
  },
};

function lookOptions(command: Command): void {
  command
    .addArgument(new Argument("<root>", "the data set's folder, or a folder's description in YAML"))
    .addOption(kindOption().default("auto"))
    .option("--split <name...>", `splits to look at (default: those of ${usualSplits.join(", ")} that are there)`)
    .option("--workers <integer>", "threads; 0 works on the main one", wholeNumber)
    .option("--json", "print the result as JSON");
}

async function look(root: string, options: LookOptions, output: Output, task: "inspect" | "check"): Promise<void> {
  const { faults, inspectDataset } = await import("../data/inspect.js");
  const { counted, printDivision, printFaults, printInspection } = await import("./data-print.js");
  output.json = options.json === true;
  const results: { inspection: Inspection; faults: string[] }[] = [];
  for (const dataset of await openSplits(root, options)) {
    const bar = progressLine(output, `${dataset.name}, ${dataset.split}`);
    try {
      const workers = options.workers === undefined ? {} : { workers: options.workers };
      const inspection = await inspectDataset(dataset, { ...workers, onProgress: bar.update });
      results.push({ inspection, faults: faults(inspection) });
    } finally {
      bar.end();
    }
  }
  const value = results.map(({ inspection, faults }) =>
    task === "inspect" ? { ...inspection, faults } : { root: inspection.root, split: inspection.split, faults },
  );
  output.result(value, () => {
    for (const [i, { inspection, faults }] of results.entries()) {
      if (i > 0) output.line();
      if (task === "inspect") printInspection(output, inspection, faults);
      else {
        const { name, split, division, pictures, labels } = inspection;
        output.line(`${name}, ${split}: ${counted(pictures, "picture")}, ${counted(labels, "label")}`);
        printDivision(output, division);
        printFaults(output, faults);
      }
    }
  });
  if (task === "check" && results.some(({ faults }) => faults.length > 0)) process.exitCode = exitCodes.problem;
}

async function openSplits(root: string, { kind, split }: LookOptions): Promise<Dataset[]> {
  const { openDataset } = await import("../data/open.js");
  if (split !== undefined) return Promise.all(split.map((name) => openDataset({ kind, root, split: name })));
  const tries = await Promise.allSettled(usualSplits.map((name) => openDataset({ kind, root, split: name })));
  const found = tries.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const there = found.filter(({ samples, strayLabels }) => samples.length + strayLabels.length > 0);
  if (there.length > 0) return there;
  if (found[0] !== undefined) return [found[0]]; // empty, which is then the fault that is told
  throw (tries[0] as PromiseRejectedResult).reason;
}

async function convert(source: string, target: string, options: ConvertOptions, output: Output): Promise<void> {
  const { convertFolder } = await import("../data/convert.js");
  output.json = options.json === true;
  const labels = await labelTable(options.table);
  const bar = progressLine(output, "converting");
  try {
    const workers = options.workers === undefined ? {} : { workers: options.workers };
    const conversion = { labels, from: options.from, to: options.to };
    const { written, failed } = await convertFolder(source, target, conversion, { ...workers, onProgress: bar.update });
    bar.end();
    output.result({ written, failed, target: resolve(target) }, () => {
      for (const { message } of failed) output.line(`${output.colours.red("not converted:")} ${message}`);
      output.line(`${written} written to ${target}, ${failed.length} not converted`);
    });
    if (failed.length > 0) process.exitCode = exitCodes.problem;
  } finally {
    bar.end();
  }
}

async function labelTable(name: string): Promise<Dataset["labels"]> {
  const { bdd100kLabels, camvidLabels, cityscapesLabels, iddLiteLabels } = await import("../data/labels.js");
  const tables = {
    cityscapes: cityscapesLabels,
    bdd100k: bdd100kLabels,
    camvid: camvidLabels,
    "idd-lite": iddLiteLabels,
  };
  if (Object.hasOwn(tables, name)) return tables[name as keyof typeof tables];
  if (!/\.ya?ml$/i.test(name)) {
    const expected = `${Object.keys(tables).join(", ")}, or the path of a folder data set's description (.yaml)`;
    throw new Problem({ what: "--table", found: `"${name}"`, expected });
  }
  const { openDataset } = await import("../data/open.js");
  return (await openDataset({ kind: "folder", root: name, split: "train" })).labels;
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number, 0 or more");
}

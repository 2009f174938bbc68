import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { recipeHelp } from "./options.js";
import { exitCodes, type Output } from "./output.js";

interface StudyFlags {
  readonly out?: string;
  readonly quick?: true;
  readonly only?: readonly string[];
  readonly data?: readonly string[];
  readonly jobs?: number;
  readonly dryRun?: true;
  readonly fresh?: true;
  readonly to?: string;
  readonly pictures?: boolean;
  readonly json?: true;
}

/** `adsam study run | status | gather | report | list | measure` */
export const command: CommandFile = {
  define(study, output) {
    study.description(
      "Runs experiments that a file lists: systems × data sets × seeds × budgets, each trained and scored once.",
    );
    const sub = (name: string, summary: string) => study.command(name).summary(summary).description(summary);
    withStudy(sub("run", "do what a study has not done yet; begun again, it goes on where it was stopped"))
      .option("--jobs <integer>", "runs at once on this machine; other machines may share the folder", wholeNumber, 1)
      .option("--dry-run", "list the runs, and begin none")
      .option("--fresh", "delete and redo runs whose recipe has changed since")
      .option("--json", "print a summary as JSON")
      .action((file: string, flags: StudyFlags) => run(file, flags, output));
    withStudy(sub("status", "how far a study has come"))
      .option("--json", "print it as JSON")
      .action((file: string, flags: StudyFlags) => status(file, flags, output));
    withName(sub("gather", "take the finished runs of other machines' folders of the same study into this one"))
      .argument("<folders...>", "folders of the study's runs, without checkpoints where those are too large to bring")
      .option("--no-pictures", "leave the pictures that runs kept to look at")
      .option("--json", "print what was taken as JSON")
      .action((file: string, from: string[], flags: StudyFlags) => gather(file, from, flags, output));
    withFolder(sub("report", "write the report of what a study has measured so far: HTML, CSV, JSON, Markdown, LaTeX"))
      .argument("<study>", "a study's file or name, or a results.json")
      .option("--to <folder>", "where to write it (default: report, in the folder of the study)")
      .option("--json", "print the files as JSON")
      .action((file: string, flags: StudyFlags) => report(file, flags, output));
    sub("list", "the studies that come with adsam")
      .option("--json", "print them as JSON")
      .action((flags: StudyFlags) => list(flags, output));
    sub("measure", "what one picture costs a recipe's network: parameters, time, memory, energy")
      .argument("<recipe>", recipeHelp)
      .requiredOption("--classes <integer>", "classes that it tells apart", wholeNumber)
      .option("--json", "print it as JSON")
      .action((file: string, flags: StudyFlags & { readonly classes: number }) => measure(file, flags, output));
  },
};

const several = (word: string, before: readonly string[] = []) => [...before, word];

const withFolder = (command: Command): Command =>
  command
    .option("--out <folder>", "folder of the study's runs and results (default: studies/NAME)")
    .option("--quick", "the short form: everything runs, nothing is learned well");

const withName = (command: Command): Command =>
  withFolder(command).argument(
    "<study>",
    "a study's file in YAML, or the name of one that comes with adsam (adsam study list)",
  );

function withStudy(command: Command): Command {
  return withName(command)
    .addOption(
      new Option(
        "--only <word>",
        "runs of this system, data set or experiment, or by a piece of their id; may be repeated",
      ).argParser(several),
    )
    .addOption(new Option("--data <name=folder>", "where a data set stands; may be repeated").argParser(several));
}

async function opened(file: string, flags: StudyFlags) {
  const { readStudy } = await import("../study/plan/read.js");
  const { planStudy } = await import("../study/plan/plan.js");
  const { only } = await import("../study/plan/only.js");
  const { studyFolder, usualFolder } = await import("../study/runner/layout.js");
  const { givenRoots } = await import("../study/runner/roots.js");
  const study = readStudy(file, { quick: flags.quick === true });
  const plan = only(study, planStudy(study), flags.only ?? []);
  const { resolve } = await import("node:path");
  const folder = studyFolder(resolve(flags.out ?? usualFolder(study)));
  return { study, plan, folder, given: givenRoots(study, flags.data ?? []) };
}

async function run(file: string, flags: StudyFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { study, plan, folder, given } = await opened(file, flags);
  const { printPlan, printSummary, studyVoice } = await import("./study-print.js");
  if (flags.dryRun) {
    const { runs, measures } = plan;
    const { estimatedTime } = await import("../study/efficiency/estimated.js");
    const minutes = estimatedTime(study, plan);
    output.result({ study: study.name, folder: folder.root, runs, measures, minutes }, () =>
      printPlan(study, plan, { folder, minutes }, output),
    );
    return;
  }
  const { runStudy } = await import("../study/runner/run.js");
  const { commandLine } = await import("../study/runner/machine.js");
  const jobs = flags.jobs ?? 1;
  const summary = await runStudy(study, {
    folder,
    plan,
    given,
    jobs,
    fresh: flags.fresh === true,
    voice: studyVoice(study, { output, jobs }),
    signal: stopSignal(
      output,
      `${jobs === 1 ? "the run at hand finishes its step" : "runs finish their steps"}, then all is saved`,
    ),
    command: commandLine(process.argv.slice(2)),
  });
  const again = commandLine(process.argv.slice(2).filter((word) => word !== "--fresh"));
  const { reportOfStudy } = await import("../study/report/of-study.js");
  const { html } = await reportOfStudy(study, folder);
  output.result({ ...summary, of: plan.runs.length, report: html }, () =>
    printSummary(summary, { plan, again, report: html, output }),
  );
  if (summary.stopped) process.exitCode = exitCodes.interrupted;
  else if (summary.failed.length + summary.elsewhere.length + summary.left.length > 0)
    process.exitCode = exitCodes.problem;
}

async function status(file: string, flags: StudyFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { study, plan, folder, given } = await opened(file, flags);
  const { studyStatus } = await import("../study/runner/status.js");
  const { printStatus } = await import("./study-print.js");
  const found = studyStatus(study, plan, folder, given);
  output.result(found, () => printStatus(found, study, output));
}

async function gather(file: string, from: readonly string[], flags: StudyFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { study, plan, folder } = await opened(file, flags);
  const { commandsIn } = await import("../study/collect.js");
  const { gatherRuns } = await import("../study/runner/gather.js");
  const { studyFolder } = await import("../study/runner/layout.js");
  const { commandLine } = await import("../study/runner/machine.js");
  const { reportOfStudy } = await import("../study/report/of-study.js");
  const { printGathered } = await import("./study-print.js");
  const gathered = await gatherRuns(study, { folder, plan, from, pictures: flags.pictures !== false });
  const { taken, known } = gathered.runs;
  const isThereAny = taken.length + known.length + gathered.measured.length > 0;
  const commands = [...from.flatMap((root) => commandsIn(studyFolder(root))), commandLine(process.argv.slice(2))];
  const files = isThereAny
    ? { results: folder.results, report: (await reportOfStudy(study, folder, { commands })).html }
    : undefined;
  output.result({ ...gathered, ...files }, () => printGathered(gathered, files, output));
}

async function report(file: string, flags: StudyFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { reportOfResults, reportOfStudy } = await import("../study/report/of-study.js");
  const files = file.endsWith(".json")
    ? await reportOfResults(file, flags.to ?? flags.out)
    : await opened(file, flags).then(({ study, folder }) =>
        reportOfStudy(study, folder, { ...(flags.to !== undefined && { to: flags.to }) }),
      );
  output.result(files, () => output.line(files.html));
}

async function list(flags: StudyFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { shippedSummaries } = await import("../study/plan/shipped.js");
  const studies = shippedSummaries();
  output.result(studies, () => {
    output.table(
      [{ title: "study" }, { title: "systems", align: "right" }, { title: "what it asks" }],
      studies.map(({ name, systems, title }) => [output.colours.bold(name), String(systems.length), title]),
    );
    output.line();
    output.line(
      output.colours.dim("adsam study run NAME begins one; --quick is its short form, --dry-run lists its runs."),
    );
  });
}

async function measure(file: string, flags: StudyFlags & { readonly classes: number }, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { resolveRecipe } = await import("../train/recipe.js");
  const { measureCost } = await import("../study/efficiency/measure.js");
  const { printCost } = await import("./study-print.js");
  const cost = measureCost(resolveRecipe({ file }).recipe, flags.classes);
  output.result(cost, () => printCost(cost, output));
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number, 1 or more");
}

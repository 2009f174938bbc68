import { Option } from "commander";
import type { DemoResult } from "../demo/run.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import type { Output } from "./output.js";
import { progressLine } from "./progress-line.js";
import { percent } from "./scores-print.js";

interface DemoFlags {
  readonly out: string;
  readonly seed: string;
  readonly threads?: string;
  readonly quick?: true;
  readonly json?: true;
}

/** `adsam demo`: the main job, from nothing, on generated streets. */
export const command: CommandFile = {
  define(demo, output) {
    demo
      .description(
        "Draws street scenes in two domains, trains a compact AD-SAM on one, scores it on both, and writes overlays and a report.",
      )
      .option("--out <folder>", "folder for everything it makes; an earlier demonstration in it is replaced", "demo")
      .option("--seed <integer>", "other streets, other weights", "0")
      .option("--threads <integer>", "CPU threads (default: every core)")
      .addOption(new Option("--quick", "a few pictures and two epochs: to see it run, not to see it learn"))
      .option("--json", "print the result as JSON")
      .action((flags: DemoFlags) => run(flags, output));
  },
};

async function run(flags: DemoFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { defaultDemo, quickDemo } = await import("../demo/recipe.js");
  const { nextSteps, runDemo } = await import("../demo/run.js");
  const { checkedValue, recipeField, valueFromText } = await import("../train/recipe-fields.js");
  const { TrainEventStream } = await import("../train/events.js");
  const { trainProgress } = await import("../train/progress.js");
  const setting = (path: string, text: string, flag: string) => {
    const field = recipeField(path)!;
    return checkedValue(field, valueFromText(field, text), flag) as number;
  };
  const events = new TrainEventStream();
  if (!output.json) events.subscribe(trainProgress({ stream: output.progressStream }));
  let label = "";
  let bar = progressLine(output, label);
  const result = await runDemo({
    out: flags.out,
    size: flags.quick ? quickDemo : defaultDemo,
    seed: setting("run.seed", flags.seed, "--seed"),
    threads: flags.threads === undefined ? "auto" : setting("run.threads", flags.threads, "--threads"),
    command: `adsam ${process.argv.slice(2).join(" ")}`,
    events,
    signal: stopSignal(output, "finishing this step, then saving"),
    onProgress: (what, done, total) => {
      if (what !== label) {
        bar.end();
        if (!output.json) output.note(what);
        label = what;
        bar = progressLine(output, what);
      }
      bar.update(done, total);
      if (done === total) bar.end();
    },
  });
  if (result === undefined) {
    output.note("Stopped. `adsam demo` begins again; the streets drawn so far are kept.");
    process.exitCode = 130;
    return;
  }
  output.result(result, () => print(result, nextSteps(result.checkpoint), output));
}

function print(result: DemoResult, next: readonly string[], output: Output): void {
  const { bold, dim } = output.colours;
  const { structured, diverse } = result;
  output.line();
  output.table(
    [{ title: "IoU" }, { title: "structured", align: "right" }, { title: "diverse", align: "right" }],
    structured.perClass.map(({ name, iou }, k) => [name, percent(iou), percent(diverse.perClass[k]!.iou)]),
  );
  output.line();
  output.table(
    [{ title: "" }, { title: "structured", align: "right" }, { title: "diverse", align: "right" }],
    [
      [bold("mIoU"), bold(percent(structured.mIoU)), bold(percent(diverse.mIoU))],
      ["pixel accuracy", percent(structured.pixelAccuracy), percent(diverse.pixelAccuracy)],
    ],
  );
  output.line(
    `retention  ${result.retention === null ? "absent" : result.retention.toFixed(2)}  ${dim("mIoU on diverse / mIoU on structured, which it was trained on")}`,
  );
  output.line();
  output.line(`report       ${bold(result.report)}`);
  output.line(`predictions  ${result.predictions}`);
  output.line(`checkpoint   ${result.checkpoint}`);
  output.line(dim(`${Math.round(result.seconds)} s, at most ${(result.peakResidentBytes / 1e9).toFixed(1)} GB`));
  output.line();
  output.line("Next:");
  for (const step of next) output.line(`  ${step.replaceAll("`", "")}`);
}

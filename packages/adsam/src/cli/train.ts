import type { Command } from "commander";
import type { TrainResult } from "../train/trainer.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { addRecipeOptions, addShortOptions, recipeFlags, recipeHelp } from "./options.js";
import { exitCodes, type Output } from "./output.js";

/** `adsam train [recipe] --data FOLDER`: the paper's recipe unless another is named or a flag says otherwise. */
export const command: CommandFile = {
  define(train, output) {
    train
      .description(
        "Trains AD-SAM. The paper's recipe is the default; a recipe named here changes it, and flags change both.",
      )
      .argument("[recipe]", recipeHelp);
    addShortOptions(train);
    train
      .option("--resume", "continue the run in --out from its last checkpoint; its recipe comes from there")
      .option("--print-recipe", "print the complete recipe and end")
      .option("--json", "one JSON object an event on stdout, nothing else");
    addRecipeOptions(train);
    train.action((file: string | undefined, options: TrainFlags, command: Command) =>
      run(file, options, command, output),
    );
  },
};

interface TrainFlags {
  readonly resume?: true;
  readonly printRecipe?: true;
  readonly json?: true;
}

async function run(file: string | undefined, options: TrainFlags, command: Command, output: Output): Promise<void> {
  const { recipeToYaml, resolveRecipe } = await import("../train/recipe.js");
  const resume = options.resume === true;
  const origins = { ...(file !== undefined && { file }), ...recipeFlags(command) };
  const asked = resolveRecipe(origins).recipe;
  if (options.printRecipe) {
    output.line(recipeToYaml(asked).trimEnd());
    return;
  }
  output.json = options.json === true;
  const { TrainEventStream } = await import("../train/events.js");
  const { startTraining } = await import("../train/start.js");
  const { trainProgress } = await import("../train/progress.js");
  const { jsonEvents } = await import("../train/json-events.js");
  const recipe = resume ? (await import("../train/resume.js")).resumedRecipe(origins) : asked;
  const events = new TrainEventStream();
  events.subscribe(
    output.json ? jsonEvents((line) => output.line(line)) : trainProgress({ stream: output.progressStream }),
  );
  const result = await startTraining(recipe, {
    events,
    resume,
    signal: stopSignal(output, "finishing this step, then saving"),
  });
  if (!output.json) tell(result, recipe.run.out, output);
  if (result.reason === "stopped") process.exitCode = exitCodes.interrupted;
}

function tell({ reason, progress, last, best }: TrainResult, out: string, output: Output): void {
  const { epoch, step, batches } = progress;
  if (reason !== "finished") {
    const within = batches > 0 ? `, ${batches} ${batches === 1 ? "batch" : "batches"} into the next` : "";
    const done = `${epoch} ${epoch === 1 ? "epoch" : "epochs"}${within} (${step} ${step === 1 ? "step" : "steps"} in all)`;
    output.line(`${reason === "stopped" ? "Stopped" : "Time is up"} after ${done}, saved in ${last}.`);
    output.line(`Continue with: adsam train --resume --out ${quoted(out)}`);
  }
  if (best && progress.best)
    output.line(`Best mIoU ${(100 * progress.best.mIoU).toFixed(1)} % after epoch ${progress.best.epoch}: ${best}`);
}

/** A word for a shell. */
function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

import { readFileSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import { Command } from "commander";
import { commands } from "./commands.js";
import { exitCodes, Output } from "./output.js";

/**
 * Runs one command line.
 * @param words without `node` and the script
 * @returns the exit code
 */
export async function runCommandLine(words: readonly string[], output = new Output()): Promise<number> {
  try {
    const program = await programFor(words, output);
    if (words.length === 0) {
      output.line(overview(output));
      return exitCodes.done;
    }
    await program.parseAsync(words, { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : exitCodes.done;
  } catch (error) {
    return output.failure(error);
  }
}

/** The program with every command's name and summary, and all of the command that `words` ask for. */
async function programFor(words: readonly string[], output: Output): Promise<Command> {
  const program = new Command("adsam")
    .description(
      "AD-SAM segments road scenes: SAM's global context and ResNet's local detail, fused by deformable layers.",
    )
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print a command's help")
    .showSuggestionAfterError()
    .showHelpAfterError("(adsam --help lists the commands)")
    .exitOverride()
    .configureHelp({ minWidthToWrap: 24 }) // in 80 columns, too, where the options leave room for it
    .configureOutput({
      writeOut: (text) => output.line(text.replace(/\n$/, "")),
      writeErr: (text) => output.note(text.replace(/\n$/, "")),
    });
  const named = words.filter((word) => !word.startsWith("-")).slice(0, 2); // `train …` or `help train`
  for (const { name, summary, load } of commands) {
    const command = program.command(name).summary(summary).description(summary);
    command.showHelpAfterError(`(adsam ${name} --help lists the options)`);
    if (named.includes(name)) (await load()).command.define(command, output);
  }
  program
    .command("test")
    .summary("run every test; needs the repository and its launcher, ./adsam")
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new Problem({
        what: "adsam test",
        expected: "the launcher of the repository",
        todo: "Run ./adsam test there.",
      });
    });
  return program;
}

/** What `adsam` alone says. */
function overview({ colours }: Output): string {
  const widest = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${colours.bold(`adsam ${name.padEnd(widest)}`)}  ${summary}`);
  return [
    `${colours.bold("AD-SAM")} ${version()}: semantic segmentation of road scenes`,
    "",
    ...lines,
    "",
    `${colours.dim("Options of a command:")} adsam COMMAND --help`,
  ].join("\n");
}

function version(): string {
  const file = new URL("../../../package.json", import.meta.url); // from dist/src/cli
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

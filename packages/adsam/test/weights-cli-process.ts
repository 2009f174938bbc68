/** `adsam weights …` alone, for the tests that stop it: `node weights-cli-process.js fetch …`. */
import { Command } from "commander";
import { Output } from "../src/cli/output.js";
import { command } from "../src/cli/weights.js";

const output = new Output();
const program = new Command("weights");
command.define(program, output);
await program.parseAsync(process.argv.slice(2), { from: "user" }).catch((error: unknown) => {
  process.exitCode = output.failure(error);
});

/** `adsam embed` as a process of its own, for tests that run two at once or kill one. */
import { Command } from "commander";
import { command } from "../src/cli/embed.js";
import { Output } from "../src/cli/output.js";

const output = new Output();
const program = new Command("embed").exitOverride();
command.define(program, output);
try {
  await program.parseAsync(process.argv.slice(2), { from: "user" });
} catch (error) {
  process.exitCode = output.failure(error);
}

#!/usr/bin/env node
import { exitCodes, Output } from "./output.js";
import { runCommandLine } from "./program.js";

const output = new Output();

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.done); // the reader (`| head`) has seen enough
  throw error;
});
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error) => process.exit(output.failure(error)));
}

process.exitCode = await runCommandLine(process.argv.slice(2), output);

/** What a study's results say of where they come from. */
import { readFileSync } from "node:fs";
import { nativeBuild } from "@adsam/torch/native";
import { thisMachine } from "../../doctor/machine.js";
import { processor } from "../../doctor/system-facts.js";

/** `2 × AMD EPYC 9R14, 8 GB`. */
export function machineTitle(): string {
  const machine = thisMachine();
  return `${machine.processors} × ${processor(machine).name}, ${Math.round(machine.memory.total / 1e9)} GB`;
}

/** What → its version. */
export function versions(): Record<string, string> {
  const file = new URL("../../../../package.json", import.meta.url); // from dist/src/study/runner
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return { adsam: version, libtorch: nativeBuild().libtorch.version, node: process.versions.node };
}

/** A word for a shell. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export const commandLine = (words: readonly string[]): string => ["adsam", ...words].map(quoted).join(" ");

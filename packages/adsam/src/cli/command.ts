import type { Command } from "commander";
import type { Output } from "./output.js";

/** What a command file exports as `command`. It is loaded only when its command was asked for. */
export interface CommandFile {
  /** Adds arguments, options and the action. What is heavy (libtorch, sharp, echarts) is imported inside the action. */
  define(command: Command, output: Output): void;
}

/** A line of `adsam --help`, and where the rest is. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<{ readonly command: CommandFile }>;
}

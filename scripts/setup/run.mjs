// @ts-check
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * Runs a program to its end; its output goes line by line to a log file and to `onLine`.
 * @param {string[]} words program and arguments
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, log?: string, onLine?: (line: string) => void }} [options]
 * @returns {Promise<{ code: number, lines: string[] }>} exit code (127: not found, 128+n: ended by a signal) and the last 400 lines
 */
export async function run(words, { cwd, env, log, onLine } = {}) {
  const [program = "", ...args] = words;
  const file = log === undefined ? undefined : createWriteStream(log, { flags: "a" });
  file?.write(`$ ${words.join(" ")}\n`);
  const child = spawn(program, args, { cwd, env: env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {string[]} */
  const lines = [];
  const take = (/** @type {string} */ line) => {
    file?.write(`${line}\n`);
    lines.push(line);
    if (lines.length > 400) lines.shift();
    onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", take);
  const code = await new Promise((resolve) => {
    child.on("error", (error) => {
      take(String(error.message));
      resolve(127);
    });
    child.on("close", (status) => resolve(status ?? 128));
  });
  await new Promise((resolve) => (file === undefined ? resolve(undefined) : file.end(resolve)));
  return { code, lines };
}

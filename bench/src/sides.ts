import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Problem } from "@adsam/torch/problem";
import type { SideCommand } from "./side.js";

/** What the launcher sets for this project before it starts (scripts/setup/environment.mjs). */
const launcherVariables = ["GLIBC_TUNABLES", "OPENBLAS_CORETYPE"] as const;

/** This project, in the environment that `./adsam` gives it. */
export const ours: SideCommand = {
  name: "AD-SAM",
  program: process.execPath,
  args: [fileURLToPath(new URL("./measure.js", import.meta.url))],
  env: {},
};

/**
 * The same network in PyTorch. Its threads sleep while they wait, as ours do: on a machine that is not quite idle this helps it.
 * @param options.sameEnvironment let it have the launcher's variables too, which a user of PyTorch does not have
 */
export function peer(python: string, { sameEnvironment }: { readonly sameEnvironment: boolean }): SideCommand {
  const none = Object.fromEntries(launcherVariables.map((name) => [name, undefined]));
  return {
    name: "PyTorch",
    program: python,
    args: ["-B", fileURLToPath(new URL("../../peers/measure.py", import.meta.url))],
    env: { OMP_WAIT_POLICY: "PASSIVE", ...(sameEnvironment ? {} : none) },
  };
}

/** The first Python that has all the peer needs; undefined where none has. */
export async function findPython(asked = process.env.PYTHON): Promise<string | undefined> {
  for (const program of asked ? [asked] : ["/usr/bin/python3", "python3"])
    try {
      await promisify(execFile)(program, ["-c", "import torch, torchvision, scipy"]);
      return program;
    } catch {
      // Not this one.
    }
  return undefined;
}

/** @throws Problem where no Python has what the peer needs */
export async function requirePython(asked: string | undefined): Promise<string> {
  const python = await findPython(asked);
  if (python !== undefined) return python;
  throw new Problem({
    what: "the benchmark's peer",
    found: `${asked ?? "no Python"} without torch, torchvision and scipy`,
    expected: "a Python that imports all three",
    todo: "Debian, Ubuntu: sudo apt-get install python3-torch python3-torchvision python3-scipy; or name one with --python.",
  });
}

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Problem } from "@adsam/torch/problem";
import { threadWaiting } from "@adsam/torch/thread-waiting";
import type { SideCommand } from "./side.js";

export const peerNames = ["pytorch", "onnxruntime", "pillow", "numpy"] as const;
export type PeerName = (typeof peerNames)[number];

/** As tables name them. */
export const peerTitles: Readonly<Record<PeerName, string>> = {
  pytorch: "PyTorch",
  onnxruntime: "ONNX Runtime",
  pillow: "PIL + NumPy",
  numpy: "NumPy",
};

/** A peer that cannot be measured on this machine: why, and the command that mends it. */
export interface MissingPeer {
  readonly peer: PeerName;
  readonly reason: string;
  readonly todo: string;
}

export interface FoundPeers {
  readonly found: ReadonlyMap<PeerName, SideCommand>;
  readonly missing: readonly MissingPeer[];
}

export interface PeerSearch {
  /** The peers wanted. */
  readonly wanted: readonly PeerName[];
  /** Their programs. Default: bench/peers of the repository that this file lies in. */
  readonly folder?: string;
  /** A Python with what they import. Default: PYTHON of the environment, /usr/bin/python3, python3. */
  readonly python?: string;
  /** Lets them have the launcher's variables for malloc and OpenBLAS too, which their own users do not have. */
  readonly sameEnvironment?: boolean;
}

/** What the launcher sets for this project before it starts (scripts/setup/environment.mjs). */
const launcherVariables = ["GLIBC_TUNABLES", "OPENBLAS_CORETYPE"] as const;

const imports = { pytorch: "torch, torchvision, scipy", pillow: "PIL, numpy", numpy: "numpy" } as const;

/** This project, in the environment of this process. */
export const ours: SideCommand = {
  name: "AD-SAM",
  program: process.execPath,
  args: [fileURLToPath(new URL("../measure.js", import.meta.url))],
  env: {},
};

/** Where the peers' programs lie in the repository; the package as it is installed comes without them. */
export const peersFolder = fileURLToPath(new URL("../../../../../../bench/peers", import.meta.url)); // from dist/src/bench/sides

/** Finds the peers that can be measured. Their threads wait for each other as ours do: on a machine that is not quite idle this helps. */
export async function findPeers(search: PeerSearch): Promise<FoundPeers> {
  const { wanted, folder = peersFolder, sameEnvironment = false } = search;
  const without = Object.fromEntries(launcherVariables.map((name) => [name, undefined]));
  const env = { ...threadWaiting(process.env), ...(sameEnvironment ? {} : without) };
  const found = new Map<PeerName, SideCommand>();
  const missing: MissingPeer[] = [];
  for (const peer of wanted) {
    const program = existsSync(folder) ? await programOf(peer, search.python, folder) : noFolder(folder);
    if ("reason" in program) missing.push({ peer, ...program });
    else found.set(peer, { name: peerTitles[peer], ...program, env });
  }
  return { found, missing };
}

type Reason = Omit<MissingPeer, "peer">;

const noFolder = (folder: string): Reason => ({
  reason: `its program is not there: no folder ${folder}`,
  todo: "The peers come with the repository, not with the package: run `npm run bench` there.",
});

async function programOf(
  peer: PeerName,
  python: string | undefined,
  folder: string,
): Promise<Reason | Pick<SideCommand, "program" | "args">> {
  if (peer === "onnxruntime") {
    const script = join(folder, "onnx_runtime.mjs");
    try {
      createRequire(script).resolve("onnxruntime-node");
      return { program: process.execPath, args: [script] };
    } catch {
      const todo = "npm install --save-dev --onnxruntime-node-install=skip onnxruntime-node";
      return { reason: "the package onnxruntime-node is not installed", todo };
    }
  }
  const program = await pythonWith(imports[peer], python);
  if (program !== undefined) return { program, args: ["-B", join(folder, "measure.py")] };
  const asked = python ?? process.env.PYTHON;
  const packages = { pytorch: "torch torchvision scipy", pillow: "pil numpy", numpy: "numpy" }[peer];
  const debian = packages.split(" ").map((name) => `python3-${name}`);
  return {
    reason: `${asked ?? "no Python"} imports ${imports[peer]}`.replace(
      "no Python imports",
      "no Python here imports all of",
    ),
    todo: `Debian, Ubuntu: sudo apt-get install ${debian.join(" ")}; or name a Python that has them with --python.`,
  };
}

/** The first Python that imports all of these. */
async function pythonWith(modules: string, asked = process.env.PYTHON): Promise<string | undefined> {
  for (const program of asked ? [asked] : ["/usr/bin/python3", "python3"])
    try {
      await promisify(execFile)(program, ["-c", `import ${modules}`]);
      return program;
    } catch {
      // Not this one.
    }
  return undefined;
}

/** @throws Problem for a name that is no peer's */
export function readPeers(text: string | undefined): readonly PeerName[] {
  if (text === undefined || text === "all") return peerNames;
  if (text === "none") return [];
  return text.split(",").map((name) => {
    if (peerNames.includes(name as PeerName)) return name as PeerName;
    throw new Problem({ what: "--peers", found: `"${name}"`, expected: `some of ${peerNames.join(", ")}; all; none` });
  });
}

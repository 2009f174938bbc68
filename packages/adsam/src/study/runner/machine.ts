/** What a study's results say of where they come from. */
import { readFileSync } from "node:fs";
import { nativeBuild } from "@adsam/torch/native";
import { type Machine, thisMachine } from "../../doctor/machine.js";
import { processor } from "../../doctor/system-facts.js";

/**
 * `2 × AMD EPYC 9R14, 8 GB`, and the GPU where the work is done on one: `64 × …, 512 GB, NVIDIA H200`.
 * @param device of a recipe; `auto` means a GPU where libtorch has CUDA and the driver answers
 */
export async function machineTitle(
  device: string,
  machine: Machine = thisMachine(),
  hasCuda: boolean = nativeBuild().libtorch.cuda,
): Promise<string> {
  const gpu = device === "cpu" || !hasCuda ? undefined : await gpuName(device, machine);
  const memory = `${Math.round(machine.memory.total / 1e9)} GB`;
  return [`${machine.processors} × ${processor(machine).name}`, memory, ...(gpu === undefined ? [] : [gpu])].join(", ");
}

/** As the driver calls it, which counts all devices: libtorch counts those that are visible. */
async function gpuName(device: string, { env, run }: Machine): Promise<string | undefined> {
  const place = Number(/:(\d+)$/.exec(device)?.[1] ?? 0);
  const id = env.CUDA_VISIBLE_DEVICES?.split(",")[place]?.trim() ?? String(place);
  const said = await run("nvidia-smi", ["-i", id, "--query-gpu=name", "--format=csv,noheader"]);
  return said?.trim() || (device.startsWith("cuda") ? "a CUDA device" : undefined);
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

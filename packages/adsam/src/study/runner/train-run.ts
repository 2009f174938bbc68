/** One training of a study, begun or gone on with, in a process of its own. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "@adsam/torch/problem";
import { type Claim, lapsesAfterMs } from "../../data/embeddings/claims.js";
import { writeWhole } from "../../data/files.js";
import { isAtWork, type ProcessMark } from "../../process-mark.js";
import type { TrainEventName, TrainEvents } from "../../train/events.js";
import { recipeToYaml } from "../../train/recipe-yaml.js";
import { lastCheckpoint } from "../../train/run-folder.js";
import type { PlannedRun } from "../plan/plan.js";
import { deleteWhole } from "./cannot-write.js";
import { adsamChild } from "./child.js";
import type { StudyFolder } from "./layout.js";
import { commandLine, machineTitle, versions } from "./machine.js";
import { type Attempt, type RunRecord, readRecord, writeRecord } from "./record.js";

export interface TrainContext {
  readonly folder: StudyFolder;
  /** The run's: where it is lost, the process that trains is ended and nothing more is written. */
  readonly claim: Pick<Claim, "lost" | "renew">;
  /** Of the data set trained on. */
  readonly root: string;
  /** CPU threads, where the recipe leaves them open and several runs share the machine. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onEvent: <Name extends TrainEventName>(name: Name, event: TrainEvents[Name]) => void;
  readonly onStart?: (pid: number) => void;
}

/** @returns `stopped`: saved, to be gone on with. A failure is in the record as well. */
export type TrainEnd = { readonly state: "trained" | "stopped" } | { readonly state: "failed"; readonly error: string };

export async function trainRun(run: PlannedRun, context: TrainContext): Promise<TrainEnd> {
  const { folder, root, signal, claim } = context;
  const out = folder.run(run.place);
  const before = readRecord(folder, run.place);
  if (before?.state === "trained") return { state: "trained" };
  await clearLock(folder, out);
  const isBegun = existsSync(lastCheckpoint(out));
  const earlier = isBegun ? (before?.attempts ?? []).filter(({ savedMinutes }) => savedMinutes > 0) : [];
  const { trainPictures, subset } = before ?? {};
  await writeWhole(folder.asked(run.place), recipeToYaml(run.recipe));
  const words = [
    ...["train", folder.asked(run.place), "--json", "--out", out, "--data", root],
    ...(isBegun ? ["--resume"] : []),
    ...(context.threads === undefined || run.recipe.run.threads !== "auto" ? [] : ["--threads", `${context.threads}`]),
  ];
  const machine = await machineTitle(run.recipe.run.device);
  const attempt = { command: commandLine(words), machine, started: new Date().toISOString() };
  let record: Omit<RunRecord, "date"> = {
    id: run.id,
    recipe: run.recipe,
    versions: versions(),
    state: "begun",
    attempts: [...earlier, { ...attempt, savedMinutes: 0 }],
    ...(trainPictures !== undefined && { trainPictures }),
    ...(subset && { subset }),
  };
  let writing = writeRecord(folder, run.place, record);
  const note = (changes: Partial<RunRecord>) => {
    if (!claim.renew()) return;
    record = { ...record, ...changes };
    const now = record;
    writing = writing.then(() => writeRecord(folder, run.place, now));
    writing.catch(() => {}); // told where it is waited for
  };
  let startedAt = performance.now();
  let reason: TrainEvents["runFinished"]["reason"] | undefined;
  const saved = (): readonly Attempt[] => [
    ...earlier,
    { ...attempt, savedMinutes: (performance.now() - startedAt) / 60_000 },
  ];
  const ended = await adsamChild(words, {
    ...(signal && { signal }),
    kill: claim.lost,
    ...(context.onStart && { onStart: context.onStart }),
    onWarning: (message) => context.onEvent("warning", { message }),
    onLine: (line) => {
      const { event: name, ...event } = JSON.parse(line) as { event: TrainEventName };
      if (name === "runStarted") {
        startedAt = performance.now();
        const { trainPictures, trainSubset } = event as unknown as TrainEvents["runStarted"];
        note({ trainPictures, ...(trainSubset && { subset: trainSubset }) });
      }
      if (name === "checkpointSaved" && (event as unknown as TrainEvents["checkpointSaved"]).kind === "last")
        note({ attempts: saved() });
      if (name === "runFinished") reason = (event as unknown as TrainEvents["runFinished"]).reason;
      context.onEvent(name, event as never);
    },
  });
  await writing;
  if (!claim.renew()) return { state: "stopped" };
  if (reason === "stopped" || (signal?.aborted && reason === undefined)) return { state: "stopped" };
  if (ended.code === 0 && reason === "finished") {
    await writeRecord(folder, run.place, { ...record, state: "trained" });
    return { state: "trained" };
  }
  const isShort = ended.code === 0 && reason !== undefined;
  const error = isShort ? `the training ended before it was finished: ${reason}` : ended.reason;
  await writeRecord(folder, run.place, { ...record, state: "failed", error });
  return { state: "failed", error };
}

/**
 * A training that lost its study ends within a step: its lock is waited for. One of another machine, which this one cannot look at, is
 * taken for dead where its folder has been still for long.
 * @throws Problem where a process is training there that no study began
 */
async function clearLock({ root }: StudyFolder, out: string): Promise<void> {
  const lock = path.join(out, ".lock");
  for (let waited = 0; existsSync(lock); waited += 0.25) {
    const owner = ownerOf(lock);
    const atWork = owner && isAtWork(owner);
    if (owner === undefined || atWork === false) return; // the training itself clears it
    if (atWork === undefined && Date.now() - lastChange(out) > lapsesAfterMs) {
      deleteWhole(root, lock);
      return;
    }
    if (waited >= 30)
      throw new Problem({
        what: `run folder "${out}"`,
        found: `process ${owner.pid} of machine "${owner.host}" training in it, begun by another hand`,
        expected: "no one else",
        todo: "Wait for it or stop it, then run the study again.",
      });
    await sleep(250);
  }
}

function ownerOf(lock: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(lock, "utf8")) as ProcessMark;
  } catch {
    return undefined;
  }
}

const lastChange = (out: string): number =>
  Math.max(...readdirSync(out).map((name) => statSync(path.join(out, name), { throwIfNoEntry: false })?.mtimeMs ?? 0));

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { planStudy } from "../src/study/plan/plan.js";
import { readStudy } from "../src/study/plan/read.js";
import { type StudyFolder, studyFolder } from "../src/study/runner/layout.js";
import { runStudy, type StudyOptions, type StudyVoice } from "../src/study/runner/run.js";
import { epochsOf, putStudy, tinyStudy, until } from "./study-fixtures.js";
import { folderForTests, sceneFolder } from "./train-fixtures.js";

const root = folderForTests("study-workers");
const elsewhere = JSON.stringify({ pid: 7, host: "elsewhere", namespace: null, started: null, token: "t" });
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const isRunning = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
interface Begun {
  readonly voice: Partial<StudyVoice>;
  readonly options?: Partial<StudyOptions>;
  readonly systems?: string;
  readonly text?: string;
}

function begin(name: string, { voice, options = {}, systems = "all", text = tinyStudy }: Begun) {
  const line = `  accuracy: { asks: accuracy, systems: ${systems}, train: [scenes], budgets: [longer] }\n`;
  const study = readStudy(putStudy(path.join(root, `${name}.yaml`), `${text}experiments:\n${line}`));
  const folder = studyFolder(path.join(root, name));
  const silent = new Proxy({}, { get: (_, key) => (voice as Record<PropertyKey, unknown>)[key] ?? (() => {}) });
  const ended = runStudy(study, {
    folder,
    plan: planStudy(study),
    given: new Map(),
    jobs: 1,
    fresh: false,
    voice: silent as StudyVoice,
    signal: new AbortController().signal,
    command: "adsam study run",
    ...options,
  });
  return { folder, ended };
}

const claimsIn = ({ claims }: StudyFolder) => readdirSync(claims).filter((name) => !name.startsWith("."));

before(async () => {
  await sceneFolder(root);
});

describe("workers of a study", () => {
  test("an error of one ends the others before their claims are let go", async () => {
    const pids: number[] = [];
    const ends: string[] = [];
    const trouble = new Error("a disk that is full");
    const { folder, ended } = begin("trouble", {
      text: tinyStudy
        .replace("{ epochs: 6 }", "{ epochs: 200 }")
        .replace("{ name: sam }", "{ name: sam }, loss: { classWeights: [1, 2] }"), // refused as it begins
      options: { jobs: 2 },
      voice: {
        processStarted: (_, pid) => void pids.push(pid),
        runEnded(run, end) {
          ends.push(`${run.system} ${end}`);
          if (run.system === "sam") throw trouble;
        },
      },
    });
    await assert.rejects(ended, (error) => error === trouble);
    assert.equal(pids.length, 2);
    assert.deepEqual(pids.map(isRunning), [false, false]);
    assert.deepEqual(ends, ["sam failed", "ad-sam stopped"]);
    assert.deepEqual(claimsIn(folder), []);
  });

  test("a run that another process took over is ended, and left to it with its record and its claim", async () => {
    const told: (string | undefined)[] = [];
    const place = "ad-sam.scenes.200epochs.seed0";
    let pid = 0;
    const { folder, ended } = begin("lost", {
      text: tinyStudy.replace("{ epochs: 6 }", "{ epochs: 200 }"),
      options: { renewEveryMs: 20 },
      systems: "[ad-sam]",
      voice: {
        processStarted: (_, started) => {
          pid = started;
        },
        training(_, name) {
          const claim = path.join(root, "lost", "claims", place);
          if (name !== "epochFinished" || readFileSync(claim, "utf8") === elsewhere) return;
          rmSync(claim);
          writeFileSync(claim, elsewhere);
        },
        runEnded: (_, end, error) => void told.push(end, error),
      },
    });
    const { done, failed, elsewhere: others } = await ended;
    assert.deepEqual([done, failed.length, isRunning(pid)], [0, 0, false]);
    assert.ok(epochsOf(folder.run(place)) < 200, "at once, not at its end");
    assert.deepEqual(
      others.map(({ id, by }) => [id.slice(0, place.length), by]),
      [[place, 'process 7 of "elsewhere"']],
    );
    assert.equal(told[0], "failed");
    assert.match(told[1]!, /^process 7 of "elsewhere" took it over, since this one had not been heard of for long/);
    assert.equal(json(folder.record(place)).state, "begun");
    assert.equal(readFileSync(path.join(folder.claims, place), "utf8"), elsewhere);
  });

  test("what others were at is looked at once more in the end: done where it is free by then", async () => {
    const [first, second] = ["ad-sam", "sam"].map((system) => `${system}.scenes.6epochs.seed0`) as [string, string];
    const claim = path.join(root, "free", "claims", first);
    putStudy(claim, elsewhere);
    const begun: string[] = [];
    const { ended } = begin("free", {
      voice: {
        runStarted(run) {
          begun.push(run.place);
          if (run.place === second) rmSync(claim);
        },
      },
    });
    const { done, elsewhere: others, left } = await ended;
    assert.deepEqual([begun, done, others, left], [[second, first], 2, [], []]);
  });

  test("a training whose process alone was asked to stop is told as stopped, and as not done", async () => {
    const ends: string[] = [];
    let pid = 0;
    const { folder, ended } = begin("asked", {
      text: tinyStudy.replace("{ epochs: 6 }", "{ epochs: 200 }"),
      systems: "[sam]",
      voice: {
        processStarted: (_, started) => {
          pid = started;
        },
        training(_, name, event) {
          if (name === "epochFinished" && "epoch" in event && event.epoch === 1) process.kill(pid, "SIGTERM");
        },
        runEnded: (_, end) => void ends.push(end),
      },
    });
    const { done, failed, left, stopped } = await ended;
    assert.deepEqual([done, failed, stopped, ends], [0, [], false, ["stopped"]]);
    assert.deepEqual(
      left.map(({ why }) => why),
      ["stopped"],
    );
    await until("the lock to go", () => !existsSync(path.join(folder.run("sam.scenes.200epochs.seed0"), ".lock")));
  });
});

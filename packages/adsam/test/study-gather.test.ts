import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { readStudyResults } from "../src/study/results.js";
import { putStudy, study, tinyStudy } from "./study-fixtures.js";
import { folderForTests, sceneFolder } from "./train-fixtures.js";

const root = folderForTests("study-gather");
const seeds = ["sam.scenes.0_03min.seed0", "sam.scenes.0_03min.seed1"] as const;
const file = (out: string, ...names: string[]) => path.join(root, out, ...names);
const record = (out: string, place: string) => file(out, "runs", place, "run.json");
const json = (name: string) => JSON.parse(readFileSync(name, "utf8"));
const change = (name: string, changes: object) =>
  writeFileSync(name, `${JSON.stringify({ ...json(name), ...changes })}\n`);
const results = (out: string) => readStudyResults(file(out, "results.json"));
const gather = (...words: string[]) => study(["gather", "study.yaml", ...words], root);

before(async () => {
  await sceneFolder(root);
  const timed = tinyStudy.replace("short: { epochs: 2 }", "short: { minutes: 0.03 }");
  const lines = `experiments:
  accuracy: { asks: accuracy, systems: [sam], train: [scenes], budgets: [short], seeds: [0, 1] }
  cost: { asks: efficiency, systems: [sam], train: [scenes] }
`;
  putStudy(path.join(root, "study.yaml"), timed + lines);
  for (const [out, ...only] of [
    ["one", "seed0"],
    ["one", "cost"],
    ["two", "seed1"],
    ["again", "seed0"],
  ] as const) {
    const { status, stderr } = await study(["run", "study.yaml", "--out", out, "--only", ...only], root);
    assert.equal(status, 0, stderr);
  }
  const there = record("two", seeds[1]);
  change(there, { attempts: json(there).attempts.map((one: object) => ({ ...one, machine: "8 × Other, 16 GB" })) });
});

describe("adsam study gather", () => {
  test("runs of two folders stand in a third as if it had trained them: nothing is left to do, and its report names both machines", async () => {
    const { status, stdout, stderr } = await gather("one", "two", "--out", "all");
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^2 runs taken, and what 1 system costs\n {2}sam\S+seed0-\S+\n {2}sam\S+seed1-\S+\nresults {2}\S+\nreport {3}\S+\n$/,
    );
    for (const [place, from] of [
      [seeds[0], "one"],
      [seeds[1], "two"],
    ] as const) {
      assert.deepEqual(json(record("all", place)), json(record(from, place)));
      assert.ok(
        existsSync(file(from, "runs", place, "last.pth")) && !existsSync(file("all", "runs", place, "last.pth")),
      );
    }
    const all = results("all");
    assert.deepEqual(all.runs[0], results("one").runs[0], "curve, scores, pictures");
    assert.deepEqual({ ...all.runs[1], machine: "" }, { ...results("two").runs[1], machine: "" });
    assert.deepEqual(all.runs[1]!.machine, "8 × Other, 16 GB");
    assert.ok(all.rows.some(({ metric }) => metric === "latency"));
    assert.deepEqual(all.rows.find(({ metric }) => metric === "mIoU")!.seeds, [0, 1]);
    assert.deepEqual(all.colours, results("one").colours);
    assert.deepEqual(all.commands, [
      "adsam study run study.yaml --out one --only seed0",
      "adsam study run study.yaml --out one --only cost",
      "adsam study run study.yaml --out two --only seed1",
      "adsam study gather study.yaml one two --out all",
    ]);
    assert.deepEqual(all.notes!.slice(1), []);
    assert.match(
      all.notes![0]!,
      /^Minutes are those of more than one machine, of 2 runs 1 on .*, 1 on 8 × Other, 16 GB/,
    );
    const page = readFileSync(file("all", "report", "report.html"), "utf8");
    assert.match(page, /What they see.*<th[^>]*>Machine<.*8 × Other, 16 GB/s);
    assert.doesNotMatch(page, /What is missing/);
    assert.deepEqual([results("one").notes, results("two").runs[0]!.machine], [undefined, undefined]);
    const run = await study(["run", "study.yaml", "--out", "all", "--json"], root);
    assert.deepEqual([run.status, run.stderr, JSON.parse(run.stdout).done], [0, "", 2]);
    const second = await gather("one", "two", "--out", "all");
    assert.match(second.stdout, /^0 runs taken\n2 runs stood here before\n/);
  });

  test("--no-pictures leaves them, and the report goes without", async () => {
    const { status, stderr } = await gather("one", "--out", "bare", "--no-pictures");
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(file("one", "runs", seeds[0], "pictures")));
    assert.ok(!existsSync(file("bare", "runs", seeds[0], "pictures")));
    assert.equal(results("bare").runs[0]!.pictures, undefined);
    assert.doesNotMatch(readFileSync(file("bare", "report", "report.html"), "utf8"), /What they see/);
  });

  test("a second training of a run is refused by both their names, and so are other recipes and folders of nothing; nothing is taken", async () => {
    assert.equal((await gather("one", "--out", "kept")).status, 0);
    const before = readFileSync(record("kept", seeds[0]), "utf8");
    const refused = async (...words: string[]) => {
      const { status, stdout, stderr } = await gather(...words, "--out", "kept");
      assert.deepEqual([status, stdout], [1, ""]);
      return stderr;
    };
    assert.match(
      await refused("two", "again"),
      /study folders ".*kept\/runs\/sam\S+seed0" and ".*again\/runs\/sam\S+seed0": found two runs that claim one place: trained on .* at \d{4}-\S+, and trained on .* at \d{4}-\S+, expected one run a place/s,
    );
    const both = await gather("one", "again", "--out", "neither");
    assert.deepEqual([both.status, existsSync(file("neither"))], [1, false]);
    assert.match(both.stderr, /".*one\/runs\/sam\S+seed0" and ".*again\/runs\/sam\S+seed0": found two runs that claim/);
    change(record("again", seeds[0]), { id: "sam.scenes.0_03min.seed0-00000000" });
    assert.match(await refused("two", "again"), /found results of another version of its recipe, sam\S+-00000000/);
    assert.match(await refused("two", "data"), /study folder "data": found neither runs nor measurements/);
    assert.match(await refused("two", "nowhere"), /study folder "nowhere": found no such folder/);
    assert.equal(readFileSync(record("kept", seeds[0]), "utf8"), before);
    assert.ok(!existsSync(record("kept", seeds[1])), "the others' runs neither");
  });

  test("scores that a run lacks, or has of another scoring, are told by name; so is what helps, also to whoever runs it here", async () => {
    const scores = (out: string, place: string) => file(out, "runs", place, "scores", "scenes.json");
    for (const out of ["one", "two"]) cpSync(file(out), file(`${out}-short`), { recursive: true });
    rmSync(scores("one-short", seeds[0]));
    const other = json(scores("two-short", seeds[1]));
    change(scores("two-short", seeds[1]), { of: other.of.replace("--boundary", "--crf --boundary") });
    const { status, stdout } = await gather("one-short", "two-short", "--out", "short");
    assert.equal(status, 0);
    assert.match(
      stdout,
      /\n1 run without scores on Scenes: run the study there first, then gather again\n {2}sam\S+seed0-\S+\n {2}sam\S+seed1-\S+: its scores on Scenes are of another scoring \(there --crf, here nothing\) and were left; run the study as it is now there, then gather again\n/,
    );
    const helps =
      /not scored on Scenes, and its weights \(last\.pth\) are not here: run the study where it was trained, then gather/;
    assert.match(
      (await study(["status", "study.yaml", "--out", "short"], root)).stdout,
      /seed0 +missing .*not scored on/,
    );
    assert.match(results("short").runs[0]!.missing!, helps);
    const before = readFileSync(record("short", seeds[0]), "utf8");
    const run = await study(["run", "study.yaml", "--out", "short"], root);
    assert.deepEqual([run.status, run.stdout.match(new RegExp(helps, "g"))?.length], [1, 2]);
    assert.equal(readFileSync(record("short", seeds[0]), "utf8"), before, "no failure of the run's");
    const whole = await gather("one", "two", "--out", "short");
    assert.match(whole.stdout, /^2 runs taken\n/);
    assert.doesNotMatch(whole.stdout, /scores/);
  });

  test("a run that is not finished there is left, and said to be", async () => {
    const begun = record("two", seeds[1]);
    const whole = json(begun);
    change(begun, { state: "begun" });
    const { status, stdout } = await gather("two", "--out", "little");
    assert.equal(status, 0);
    assert.match(stdout, /^0 runs taken\n {2}sam\S+seed1-\S+: not finished there\n/);
    change(begun, whole);
    assert.match((await gather("two", "--out", "little")).stdout, /^1 run taken\n/);
  });
});

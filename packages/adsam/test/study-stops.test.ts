import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { isAtWork, type ProcessMark } from "../src/process-mark.js";
import { readCsvLog } from "../src/train/csv-log.js";
import { begin, epochsOf, putStudy, study, tinyStudy, until } from "./study-fixtures.js";
import { adsam, assertSameRun, folderForTests, sceneFolder } from "./train-fixtures.js";

const root = folderForTests("study-stops");
const runs = (out: string, place: string) => path.join(root, out, "runs", place);
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const results = (out: string) => json(path.join(root, out, "results.json"));
const experiments = {
  both: "  accuracy: { asks: accuracy, train: [scenes], budgets: [short], classes: [road] }\n",
  longer: "  accuracy: { asks: accuracy, systems: [ad-sam], train: [scenes], budgets: [longer] }\n",
  transfer:
    "  far: { asks: transfer, systems: [sam], train: [scenes], test: [streets], budgets: [short], seeds: [0] }\n",
  cost: "  cost: { asks: efficiency, systems: [sam], train: [scenes] }\n",
};
const put = (name: string, lines: string, text = tinyStudy) =>
  putStudy(path.join(root, name), `${text}experiments:\n${lines}`);

before(async () => {
  await sceneFolder(root);
});

describe("a study that is stopped, killed or shared", () => {
  test("killed with SIGKILL, the study resumes, and the run ends with the same bits as one never stopped", async () => {
    put("killed.yaml", experiments.longer);
    const place = "ad-sam.scenes.6epochs.seed0";
    const first = begin(["study", "run", "killed.yaml", "--out", "killed"], root);
    await until("two epochs", () => epochsOf(runs("killed", place)) >= 2);
    const trainer = json(path.join(runs("killed", place), ".lock")) as ProcessMark;
    first.kill("SIGKILL");
    await first.ended;
    await until("the training to end with its study", () => isAtWork(trainer) === false);
    const between = JSON.parse((await study(["status", "killed.yaml", "--out", "killed", "--json"], root)).stdout);
    assert.deepEqual([between.counts.waiting, between.runs[0].remark], [1, "stopped"]);
    assert.ok(between.runs[0].epoch >= 2 && between.runs[0].epochs === 6);
    const { status, stderr } = await study(["run", "killed.yaml", "--out", "killed"], root);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /resumed after epoch \d/);
    assert.equal(json(path.join(runs("killed", place), "run.json")).attempts.length, 2);
    assert.equal(results("killed").runs[0].curve.length, 6);
    const asked = path.join(runs("killed", place), "asked.yaml");
    const whole = await adsam(["train", asked, "--out", path.join(root, "never"), "--data", path.join(root, "data")]);
    assert.equal(whole.status, 0, whole.stderr);
    assertSameRun(runs("killed", place), path.join(root, "never"));
  });

  test("a training whose process is killed is recorded, and the rest goes on; run again, it is done", async () => {
    put("crash.yaml", experiments.both);
    const running = begin(["study", "run", "crash.yaml", "--out", "crash"], root);
    const lock = path.join(runs("crash", "ad-sam.scenes.2epochs.seed0"), ".lock");
    await until("the training's process", () => existsSync(lock) && readFileSync(lock, "utf8").endsWith("}"));
    process.kill(json(lock).pid, "SIGKILL");
    const { status, stdout } = await running.ended;
    assert.equal(status, 1);
    assert.match(
      stdout,
      /^1 of 2 runs done, 1 failed\n {2}ad-sam\S+: the process ended without a word of its own: killed by SIGKILL/,
    );
    assert.match(results("crash").runs[0].missing, /killed by SIGKILL/);
    const report = () => readFileSync(path.join(root, "crash", "report", "report.html"), "utf8");
    assert.match(
      report(),
      /1 of 2 runs are missing or not complete.*id="missing".*ad-sam\.scenes\S+<.*killed by SIGKILL/s,
    );
    const failed = await study(["status", "crash.yaml", "--out", "crash"], root);
    assert.match(failed.stdout, /ad-sam\.scenes\.2epochs\.seed0 +failed .*killed by SIGKILL/);
    assert.match(failed.stdout, /2 runs: 1 done, 1 failed\n$/);
    const again = await study(["run", "crash.yaml", "--out", "crash"], root);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(results("crash").runs[0].missing, undefined);
    assert.doesNotMatch(report(), /id="missing"/);
  });

  test("two processes on one folder share the runs: each is trained once", async () => {
    put("shared.yaml", experiments.both, tinyStudy.replace("seeds: [0]", "seeds: [0, 1]"));
    const words = ["study", "run", "shared.yaml", "--out", "shared", "--json"];
    const both = [begin(words, root), begin(words, root)];
    await until("both at work", () => {
      const claims = path.join(root, "shared", "claims");
      return existsSync(claims) && readdirSync(claims).filter((name) => !name.startsWith(".")).length >= 2;
    });
    const shown = JSON.parse((await study(["status", "shared.yaml", "--out", "shared", "--json"], root)).stdout);
    assert.ok(shown.counts.running >= 1);
    assert.match(shown.runs.find(({ state }: { state: string }) => state === "running").remark, /^process \d+$/);
    const ended = await Promise.all(both.map((one) => one.ended));
    assert.deepEqual(
      ended.map(({ status, stdout }) => [status, JSON.parse(stdout).done]),
      ended.map(({ stdout }) => (JSON.parse(stdout).done === 4 ? [0, 4] : [1, JSON.parse(stdout).done])),
      ended.map(({ stderr }) => stderr).join(),
    );
    assert.ok(
      ended.some(({ status }) => status === 0),
      "whoever ends last sees all of it done",
    );
    const found = results("shared").runs;
    assert.equal(found.filter(({ missing }: { missing?: string }) => missing === undefined).length, 4);
    for (const place of readdirSync(path.join(root, "shared", "runs")))
      assert.equal(json(path.join(runs("shared", place), "run.json")).attempts.length, 1, place);
    assert.deepEqual(readdirSync(path.join(root, "shared", "claims")), []);
  });

  test("Ctrl-C saves, says how to go on, and leaves the rest waiting", async () => {
    put("stopped.yaml", experiments.longer);
    const running = begin(["study", "run", "stopped.yaml", "--out", "stopped"], root);
    await until("an epoch", () => epochsOf(runs("stopped", "ad-sam.scenes.6epochs.seed0")) >= 1);
    running.kill("SIGINT");
    const { status, stdout, stderr } = await running.ended;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /stopping: the run at hand finishes its step, then all is saved/);
    assert.match(
      stdout,
      /^0 of 1 run done\nresults .*\nreport .*\nStopped; what was learned is saved\. Continue with: adsam study run stopped\.yaml --out stopped\n$/,
    );
    assert.match(results("stopped").runs[0].missing, /^stopped after \d\.\d min of training$/);
  });

  test("minutes of wall time end a run, those before a stop counted with those after", async () => {
    const timed = tinyStudy.replace("longer: { epochs: 6 }", "longer: { minutes: 0.1 }");
    put("timed.yaml", experiments.longer, timed);
    const place = "ad-sam.scenes.0_1min.seed0";
    const running = begin(["study", "run", "timed.yaml", "--out", "timed"], root);
    await until("an epoch", () => epochsOf(runs("timed", place)) >= 1);
    running.kill("SIGINT");
    assert.equal((await running.ended).status, 130);
    const { status, stderr } = await study(["run", "timed.yaml", "--out", "timed"], root);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /resumed after epoch \d+/);
    const [run] = results("timed").runs;
    assert.deepEqual([run.budget, run.missing], [{ minutes: 0.1 }, undefined]);
    const [first, second] = json(path.join(runs("timed", place), "run.json")).attempts;
    assert.ok(first.savedMinutes > 0 && second.savedMinutes > 0 && second.savedMinutes < 0.1);
    const rates = readCsvLog(path.join(runs("timed", place), "log.csv")).map((row) => row["lr.decoder"]!);
    assert.ok(rates[0]! > 9e-4 && rates.at(-1)! < 1e-4, "the schedule falls with the minutes of both");
  });

  test("a run that another machine is at is left to it, until its claim has lapsed", async () => {
    put("afar.yaml", experiments.both.replace("asks:", "systems: [sam], asks:"));
    const claim = path.join(root, "afar", "claims", "sam.scenes.2epochs.seed0");
    mkdirSync(path.dirname(claim), { recursive: true });
    writeFileSync(claim, JSON.stringify({ pid: 7, host: "elsewhere", namespace: null, started: null, token: "t" }));
    const words = ["afar.yaml", "--out", "afar"];
    assert.match((await study(["status", ...words], root)).stdout, /running +0\/2 +process 7 of "elsewhere"\n/);
    const left = await study(["run", ...words], root);
    assert.equal(left.status, 1, "not everything asked for is done");
    assert.match(
      left.stdout,
      /^0 of 1 run done\n {2}sam\S+: process 7 of "elsewhere" is at it\n.*Not all is done\. Go on with: adsam study run afar/s,
    );
    const longAgo = new Date(Date.now() - 16 * 60_000);
    utimesSync(claim, longAgo, longAgo);
    assert.match((await study(["status", ...words], root)).stdout, /1 run: 1 waiting/);
    const taken = await study(["run", ...words], root);
    assert.deepEqual([taken.status, /^1 of 1 run done\n/.test(taken.stdout)], [0, true]);
  });
});

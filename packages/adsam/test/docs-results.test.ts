import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { planStudy } from "../src/study/plan/plan.js";
import { readStudy } from "../src/study/plan/read.js";
import { studyFolder } from "../src/study/runner/layout.js";
import { readRecord } from "../src/study/runner/record.js";
import { unscored } from "../src/study/runner/score-run.js";
import { folderForTests } from "./train-fixtures.js";

const project = fileURLToPath(new URL("../../../../", import.meta.url)); // from packages/adsam/dist/test
const [docs, measured] = [path.join(project, "docs"), path.join(project, "docs", "measured")];
const isStudy = (name: string) => existsSync(path.join(measured, name, "runs"));
const studies = readdirSync(measured).filter(isStudy);

describe("docs/results", () => {
  test("what was measured was measured with the studies as they are shipped now", () => {
    assert.ok(studies.length > 0);
    for (const name of studies) {
      const [study, folder] = [readStudy(name), studyFolder(path.join(measured, name))];
      const plan = planStudy(study);
      for (const place of readdirSync(path.join(folder.root, "runs"))) {
        const planned = plan.runs.find((run) => run.place === place);
        assert.equal(readRecord(folder, place)!.id, planned?.id, `${name}: ${place}`);
        assert.deepEqual(unscored(study, folder, planned!), [], `scores of ${name}: ${place}`);
      }
    }
  });

  test("the page and its rows say what was measured", () => {
    const out = folderForTests("docs-results");
    copyFileSync(path.join(docs, "results.md"), path.join(out, "results.md"));
    const script = path.join(project, "bench", "results.mjs");
    const { status, stderr } = spawnSync(process.execPath, [script, "--from", measured, "--to", out]);
    assert.equal(status, 0, String(stderr));
    for (const name of ["results.md", "results.json"])
      assert.equal(readFileSync(path.join(docs, name), "utf8"), readFileSync(path.join(out, name), "utf8"), name);
    const { rows } = JSON.parse(readFileSync(path.join(docs, "results.json"), "utf8"));
    const columns = ["study", "system", "train", "test", "metric", "value", "low", "high", "seeds", "minutes"];
    for (const row of rows)
      assert.deepEqual(
        columns.filter((column) => !(column in row)),
        [],
      );
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { makeFolder } from "../src/data/make-folder.js";
import { temporaryFolder } from "./data-fixtures.js";

const rounds = 400;

test("two threads that make the same deep folder at once both find it made", async (t) => {
  const root = await temporaryFolder(t);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const failures = await Promise.all(
    [0, 1].map(async () => {
      const worker = new Worker(new URL("./make-folder-worker.js", import.meta.url), {
        workerData: { root, gate, rounds },
      });
      const [failed] = (await once(worker, "message")) as [string[]];
      return failed;
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

test("where no folder can be made, the system says why, at once", { skip: process.platform !== "linux" }, () => {
  for (const folder of ["/proc/adsam", "/proc/adsam/deep/er"])
    assert.throws(() => makeFolder(folder), { code: "ENOENT" });
  const file = path.join(import.meta.filename, "below-a-file");
  assert.throws(() => makeFolder(file), { code: "ENOTDIR" });
});

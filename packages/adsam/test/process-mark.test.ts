import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isAtWork, ownMark } from "../src/process-mark.js";

describe("whether a process is at work", () => {
  test("this one, also by what it wrote down", () => {
    assert.equal(isAtWork(JSON.parse(JSON.stringify(ownMark()))), true);
  });

  test("not one of the same number that began at another time", { skip: !existsSync("/proc/self/stat") }, () => {
    assert.equal(isAtWork({ ...ownMark(), started: "1" }), false);
  });

  test("of another machine or container nothing is known", () => {
    assert.equal(isAtWork({ ...ownMark(), host: "elsewhere" }), undefined);
    assert.equal(isAtWork({ ...ownMark(), namespace: "pid:[1]" }), undefined);
  });

  test("not one that was killed and that no one asked after", { skip: !existsSync("/proc/self/stat") }, async () => {
    // A shell that becomes `sleep` never waits for its child.
    const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 20"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const pid = Number((await parent.stdout.take(1).toArray())[0]);
      const stat = () =>
        readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
      for (let looks = 0; stat()[0] !== "Z"; looks++) {
        assert.ok(looks < 500, "it did not end");
        await pause(10);
      }
      assert.equal(isAtWork({ ...ownMark(), pid, started: stat()[19]! }), false);
    } finally {
      parent.kill();
    }
  });
});

import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { content, downloadRuns, problemOf } from "./weights-fixture.js";
import { serve, sha256Of, someBytes } from "./weights-server.js";

const current = downloadRuns();

describe("a download that is refused", () => {
  test("with a wrong hash leaves nothing behind, and says both", async () => {
    const run = current();
    run.server.content = someBytes(100_003, 7);
    const message = await problemOf(run.fetch());
    assert.ok(
      message.includes(`SHA-256 ${sha256Of(run.server.content)}`) &&
        message.includes(`expected SHA-256 ${sha256Of(content)}`),
    );
    assert.match(message, /It was thrown away; nothing of it lies at /);
    assert.deepEqual(readdirSync(run.folder), []);
  });

  test("with a prefix of a hash compares the prefix", async () => {
    const run = current();
    run.file = { ...run.file, sha256: { hex: sha256Of(content).slice(0, 8), isPrefix: true } };
    assert.equal((await run.fetch()).outcome, "fetched");
  });

  test("of another length is refused before a byte is written", async () => {
    const run = current();
    run.server.content = Buffer.from("<html>Please log in</html>");
    const message = await problemOf(run.fetch());
    assert.match(message, /found a file of 26 bytes, expected 100003 bytes\. .*\(a network that asks for a login/);
    assert.deepEqual(readdirSync(run.folder), []);
  });

  test("of more bytes than it said is refused", async () => {
    const run = current();
    run.server.content = Buffer.concat([content, content]);
    assert.match(await problemOf(run.fetch([{ chunked: true }])), /found more bytes than that, expected 100003 bytes/);
    assert.deepEqual(readdirSync(run.folder), []);
  });

  test("that is not there (404) is not tried again", async () => {
    const run = current();
    assert.match(await problemOf(run.fetch([{ status: 404 }])), /HTTP status 404: the file is not there any more/);
    assert.deepEqual([run.server.ranges.length, run.waits.length], [1, 0]);
  });

  test("by a server in trouble (500) is tried five times, each time after a longer pause", async () => {
    const run = current();
    const message = await problemOf(run.fetch(Array.from({ length: 9 }, () => ({ status: 500 }))));
    assert.match(message, /answered 500, 5 times in a row\. Try again later\.$/);
    assert.equal(run.server.ranges.length, 5);
    for (const [i, wait] of run.waits.entries())
      assert.ok(wait >= 500 * 2 ** i && wait <= 625 * 2 ** i, `${run.waits}`);
    assert.equal(run.waits.length, 4);
  });

  test("for a while (503 with Retry-After) comes then", async () => {
    const run = current();
    assert.equal((await run.fetch([{ status: 503, headers: { "retry-after": "7" } }])).outcome, "fetched");
    assert.deepEqual(run.waits, [7000]);
  });

  test("for a compressed answer says so", async () => {
    const run = current();
    assert.match(
      await problemOf(run.fetch([{ headers: { "content-encoding": "gzip" } }])),
      /found a compressed answer/,
    );
  });

  test("for want of a connection says where to get the file and where to put it", async () => {
    const run = current();
    await run.server.close();
    const message = await problemOf(run.fetch());
    const place = join(run.folder, "test_net.pth");
    assert.equal(
      message.replace(/127\.0\.0\.1:\d+ refused/, "HOST refused"),
      `weights "test-net": found no connection (HOST refused the connection). Without network here: download ${run.file.address} elsewhere, ` +
        `put it at "${place}" and run adsam weights verify "${place}".`,
    );
    assert.equal(run.waits.length, 1);
    run.server = await serve(content); // for afterEach
  });

  test("for want of a name server says the same", async () => {
    const run = current();
    const address = "http://no-such-host.invalid/weights.pth"; // RFC 6761: never resolves
    assert.match(
      await problemOf(run.fetch([], { address })),
      /no connection \(the name of no-such-host\.invalid could not be resolved\)/,
    );
  });

  test("by a proxy names the proxy, without its password", async () => {
    const run = current();
    process.env.HTTP_PROXY = "http://me:secret@127.0.0.1:9";
    try {
      const message = await problemOf(run.fetch([], { address: "http://weights.example/weights.pth" }));
      assert.match(message, /no connection \(the proxy http:\/\/…@127\.0\.0\.1:9 refused the connection\)/);
      process.env.NO_PROXY = "127.0.0.1";
      assert.equal((await run.fetch()).outcome, "fetched");
    } finally {
      delete process.env.HTTP_PROXY;
      delete process.env.NO_PROXY;
    }
  });

  test("for a full disk says how much is missing, before anything is asked for", async () => {
    const run = current();
    const message = await problemOf(run.fetch([], { freeSpace: async () => 99_000 }));
    assert.equal(
      message,
      `cache folder "${run.folder}": found 99.0 kB free, expected room for 100.0 kB. ` +
        "Make room, or set ADSAM_CACHE to a folder on a larger disk. What came so far is kept.",
    );
    assert.deepEqual(run.server.ranges, []);
  });

  test("for a full disk counts only what is still to come, and what the server says of a file of unknown size", async () => {
    const run = current();
    await run.leaveHalf(60_000);
    run.file = { ...run.file, size: { bytes: 10, isExact: false } };
    assert.match(await problemOf(run.fetch([], { freeSpace: async () => 40_000 })), /expected room for 40\.0 kB/);
    assert.equal((await run.fetch([], { freeSpace: async () => 40_003 })).resumedFrom, 60_000);
  });

  test("by the user (Ctrl-C) keeps what came", async () => {
    const run = current();
    await run.leaveHalf(50_000);
    assert.deepEqual(readdirSync(run.folder).sort(), ["test_net.pth.part", "test_net.pth.part.json"]);
  });

  test("for an address that is none says so", async () => {
    const run = current();
    for (const address of ["weights.pth", "file:///etc/passwd"])
      assert.match(
        await problemOf(run.fetch([], { address })),
        /^address: found ".*", expected one that begins with https:/,
      );
  });

  test("for a cache folder that cannot be made says which", async () => {
    const run = current();
    const taken = `${process.env.ADSAM_CACHE}-a-file`;
    writeFileSync(taken, "");
    process.env.ADSAM_CACHE = taken;
    assert.match(
      await problemOf(run.fetch()),
      /^cache folder ".*a-file\/weights": found a file where a folder should be/,
    );
  });
});

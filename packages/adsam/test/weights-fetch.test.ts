import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { cacheState } from "../src/weights/cache.js";
import { type FetchOptions, fetchWeights } from "../src/weights/fetch.js";
import type { KnownFile } from "../src/weights/known-files.js";
import { publishedAs, serve, sha256Of, someBytes, type TestServer, type Turn } from "./weights-server.js";

const content = someBytes(100_003);
const base = mkdtempSync(join(tmpdir(), "adsam-weights-"));
let server: TestServer;
let file: KnownFile;
let folder: string;
let notes: string[];
let waits: number[];

beforeEach(async (context) => {
  process.env.ADSAM_CACHE = join(base, context.name.replaceAll(/\W+/g, "-"));
  folder = join(process.env.ADSAM_CACHE, "weights");
  server = await serve(content);
  file = publishedAs(content, server.address);
  notes = [];
  waits = [];
});
afterEach(() => server.close());
after(() => rmSync(base, { recursive: true, force: true }));

/** Fetches without real pauses. @param turns what the server does wrong, answer by answer */
function fetchIt(turns: Turn[] = [], options: FetchOptions = {}) {
  server.turns.push(...turns);
  const wait = async (milliseconds: number) => void waits.push(milliseconds);
  return fetchWeights(file, { onNote: (text) => void notes.push(text), wait, ...options });
}

async function problemOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("expected a Problem"),
    (error: unknown) => error,
  );
  if (!(error instanceof Problem)) throw error;
  return error.message;
}

/** Leaves a half behind, as a process that was killed does. */
async function leaveHalf(bytes: number): Promise<void> {
  const stop = new AbortController();
  const onProgress = (done: number) => done >= bytes && stop.abort();
  await assert.rejects(fetchIt([{ slow: 5 }], { signal: stop.signal, onProgress }), { name: "AbortError" });
  truncateSync(join(folder, "test_net.pth.part"), bytes);
  server.ranges.length = 0;
}

const only = ["test_net.pth", "test_net.pth.checked.json"];

describe("a download", () => {
  test("comes whole, is checked, and is there the next time", async () => {
    const seen: [number, number | undefined][] = [];
    const first = await fetchIt([], { onProgress: (done, total) => void seen.push([done, total]) });
    const path = join(folder, "test_net.pth");
    assert.deepEqual(first, { path, size: 100_003, sha256: sha256Of(content), outcome: "fetched", resumedFrom: 0 });
    assert.deepEqual(readFileSync(path), content);
    assert.deepEqual(readdirSync(folder).sort(), only);
    assert.deepEqual(seen.at(-1), [100_003, 100_003]);
    assert.equal((await fetchIt()).outcome, "cached");
    assert.deepEqual(server.ranges, [""]);
  });

  test("comes from a server that does not say how long it is", async () => {
    assert.equal((await fetchIt([{ chunked: true }])).size, 100_003);
  });

  test("goes on from the byte where the connection was cut, again and again", async () => {
    await fetchIt([{ cutAfter: 40_000 }, { cutAfter: 30_000 }]);
    assert.equal(server.ranges.length, 3);
    assert.match(server.ranges[1]!, /^bytes=\d+-$/);
    const [first, second] = server.ranges.slice(1).map((range) => Number(/\d+/.exec(range))) as [number, number];
    assert.ok(second > first, `${first}, ${second}`);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
    assert.equal(waits.length, 2);
    assert.match(notes[1]!, /^the connection to 127\.0\.0\.1:\d+ (broke|ended)/);
  });

  test("that ends too early without a broken connection goes on, too", async () => {
    await fetchIt([{ chunked: true, cutAfter: 50_000 }]);
    assert.deepEqual(server.ranges, ["", "bytes=50000-"]);
    assert.match(notes[1]!, /ended too early; trying again in/);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
  });

  test("goes on from what an earlier process left", async () => {
    await leaveHalf(60_001);
    assert.equal(cacheState(file), "partial");
    const { resumedFrom } = await fetchIt();
    assert.equal(resumedFrom, 60_001);
    assert.deepEqual(server.ranges, ["bytes=60001-"]);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
    assert.deepEqual(readdirSync(folder).sort(), only);
  });

  test("that was killed after its last byte needs no other request", async () => {
    await leaveHalf(50_000);
    writeFileSync(join(folder, "test_net.pth.part"), content);
    assert.equal((await fetchIt()).resumedFrom, 100_003);
    assert.deepEqual(server.ranges, []);
  });

  test("of unknown length, killed after its last byte, believes the server that there is no more", async () => {
    file = { ...file, size: { bytes: 100_000, isExact: false } };
    await leaveHalf(50_000);
    writeFileSync(join(folder, "test_net.pth.part"), content);
    assert.equal((await fetchIt()).size, 100_003);
    assert.deepEqual(server.ranges, ["bytes=100003-"]);
  });

  test("begins anew where the server knows no ranges", async () => {
    await fetchIt([{ cutAfter: 50_000 }, { ignoresRange: true }]);
    assert.match(notes.join("\n"), /the server cannot send a part: from the beginning/);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
  });

  test("begins anew where the server gives no sign of the version", async () => {
    await fetchIt([{ cutAfter: 50_000, headers: { etag: 'W/"weak"' } }]);
    assert.deepEqual(server.ranges, ["", ""]);
  });

  test("begins anew where the file changed at the server meanwhile", async () => {
    server.content = someBytes(100_003, 7);
    await leaveHalf(50_000);
    server.content = content;
    await fetchIt();
    assert.deepEqual(server.ranges, ["bytes=50000-"]);
    assert.match(notes.join("\n"), /the file changed at the server: from the beginning/);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
  });

  test("begins anew where the server sends the rest of another version all the same", async () => {
    server.content = someBytes(100_003, 7);
    await leaveHalf(50_000);
    server.content = content;
    await fetchIt([{ ignoresIfRange: true }]);
    assert.deepEqual(server.ranges, ["bytes=50000-", ""]);
    assert.match(notes.join("\n"), /the server's file is another than the half that is here; trying again/);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
  });

  test("begins anew so also where no hash would find it out", async () => {
    file = { ...file, sha256: undefined };
    server.content = someBytes(100_003, 7);
    await leaveHalf(50_000);
    server.content = content;
    await fetchIt([{ ignoresIfRange: true }]);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
  });

  test("whose half was damaged on the disk is downloaded once more from the beginning", async () => {
    await leaveHalf(50_000);
    writeFileSync(join(folder, "test_net.pth.part"), Buffer.alloc(50_000));
    await fetchIt();
    assert.deepEqual(server.ranges, ["bytes=50000-", ""]);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
  });

  test("from another address does not go on with this one's half", async () => {
    await leaveHalf(50_000);
    assert.equal((await fetchIt([], { address: `${server.address}?mirror` })).resumedFrom, 0);
    assert.deepEqual(server.ranges, [""]);
  });
});

describe("a download that is refused", () => {
  test("with a wrong hash leaves nothing behind, and says both", async () => {
    server.content = someBytes(100_003, 7);
    const message = await problemOf(fetchIt());
    assert.ok(
      message.includes(`SHA-256 ${sha256Of(server.content)}`) &&
        message.includes(`expected SHA-256 ${sha256Of(content)}`),
    );
    assert.match(message, /It was thrown away; nothing lies at /);
    assert.deepEqual(readdirSync(folder), []);
  });

  test("with a prefix of a hash compares the prefix", async () => {
    file = { ...file, sha256: { hex: sha256Of(content).slice(0, 8), isPrefix: true } };
    assert.equal((await fetchIt()).outcome, "fetched");
  });

  test("of another length is refused before a byte is written", async () => {
    server.content = Buffer.from("<html>Please log in</html>");
    const message = await problemOf(fetchIt());
    assert.match(message, /found a file of 26 bytes, expected 100003 bytes\. .*\(a network that asks for a login/);
    assert.deepEqual(readdirSync(folder), []);
  });

  test("of more bytes than it said is refused", async () => {
    server.content = Buffer.concat([content, content]);
    assert.match(await problemOf(fetchIt([{ chunked: true }])), /found more bytes than that, expected 100003 bytes/);
    assert.deepEqual(readdirSync(folder), []);
  });

  test("that is not there (404) is not tried again", async () => {
    assert.match(await problemOf(fetchIt([{ status: 404 }])), /HTTP status 404: the file is not there any more/);
    assert.deepEqual([server.ranges.length, waits.length], [1, 0]);
  });

  test("by a server in trouble (500) is tried five times, each time after a longer pause", async () => {
    const message = await problemOf(fetchIt(Array.from({ length: 9 }, () => ({ status: 500 }))));
    assert.match(message, /answered 500, 5 times in a row\. Try again later\.$/);
    assert.equal(server.ranges.length, 5);
    for (const [i, wait] of waits.entries()) assert.ok(wait >= 500 * 2 ** i && wait <= 625 * 2 ** i, `${waits}`);
    assert.equal(waits.length, 4);
  });

  test("for a while (503 with Retry-After) comes then", async () => {
    assert.equal((await fetchIt([{ status: 503, headers: { "retry-after": "7" } }])).outcome, "fetched");
    assert.deepEqual(waits, [7000]);
  });

  test("for a compressed answer says so", async () => {
    assert.match(await problemOf(fetchIt([{ headers: { "content-encoding": "gzip" } }])), /found a compressed answer/);
  });

  test("for want of a connection says where to get the file and where to put it", async () => {
    await server.close();
    const message = await problemOf(fetchIt());
    const place = join(folder, "test_net.pth");
    assert.equal(
      message.replace(/127\.0\.0\.1:\d+ refused/, "HOST refused"),
      `weights "test-net": found no connection (HOST refused the connection). Without network here: download ${file.address} elsewhere, ` +
        `put it at "${place}" and run adsam weights verify "${place}".`,
    );
    assert.equal(waits.length, 1);
    server = await serve(content); // for afterEach
  });

  test("for want of a name server says the same", async () => {
    const address = "http://no-such-host.invalid/weights.pth"; // RFC 6761: never resolves
    assert.match(
      await problemOf(fetchIt([], { address })),
      /no connection \(the name of no-such-host\.invalid could not be resolved\)/,
    );
  });

  test("by a proxy names the proxy, without its password", async () => {
    process.env.HTTP_PROXY = "http://me:secret@127.0.0.1:9";
    try {
      const message = await problemOf(fetchIt([], { address: "http://weights.example/weights.pth" }));
      assert.match(message, /no connection \(the proxy http:\/\/…@127\.0\.0\.1:9 refused the connection\)/);
      process.env.NO_PROXY = "127.0.0.1";
      assert.equal((await fetchIt()).outcome, "fetched");
    } finally {
      delete process.env.HTTP_PROXY;
      delete process.env.NO_PROXY;
    }
  });

  test("for a full disk says how much is missing, before anything is asked for", async () => {
    const message = await problemOf(fetchIt([], { freeSpace: async () => 99_000 }));
    assert.equal(
      message,
      `cache folder "${folder}": found 99.0 kB free, expected room for 100.0 kB. ` +
        "Make room, or set ADSAM_CACHE to a folder on a larger disk. What came so far is kept.",
    );
    assert.deepEqual(server.ranges, []);
  });

  test("for a full disk counts only what is still to come, and what the server says of a file of unknown size", async () => {
    await leaveHalf(60_000);
    file = { ...file, size: { bytes: 10, isExact: false } };
    assert.match(await problemOf(fetchIt([], { freeSpace: async () => 40_000 })), /expected room for 40\.0 kB/);
    assert.equal((await fetchIt([], { freeSpace: async () => 40_003 })).resumedFrom, 60_000);
  });

  test("by the user (Ctrl-C) keeps what came", async () => {
    await leaveHalf(50_000);
    assert.deepEqual(readdirSync(folder).sort(), ["test_net.pth.part", "test_net.pth.part.json"]);
  });

  test("for an address that is none says so", async () => {
    for (const address of ["weights.pth", "file:///etc/passwd"])
      assert.match(
        await problemOf(fetchIt([], { address })),
        /^address: found ".*", expected one that begins with https:/,
      );
  });

  test("for a cache folder that cannot be made says which", async () => {
    writeFileSync(join(base, "a-file"), "");
    process.env.ADSAM_CACHE = join(base, "a-file");
    assert.match(
      await problemOf(fetchIt()),
      /^cache folder ".*a-file\/weights": found a file where a folder should be/,
    );
  });
});

describe("a file that someone put into the cache", () => {
  test("is hashed, and not downloaded where it is right", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "test_net.pth"), content);
    assert.equal((await fetchIt()).outcome, "checked");
    assert.deepEqual(server.ranges, []);
    assert.equal(cacheState(file), "checked");
  });

  test("is replaced where it is wrong, once the right one is here", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "test_net.pth"), "mine");
    await assert.rejects(fetchIt([{ status: 404 }]), Problem);
    assert.equal(readFileSync(join(folder, "test_net.pth"), "utf8"), "mine");
    assert.equal((await fetchIt()).outcome, "fetched");
    assert.match(notes[0]!, /is not the published one \(4 bytes, SHA-256 [0-9a-f]{64}\); it will be replaced/);
  });
});

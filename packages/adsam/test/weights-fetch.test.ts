import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { cacheState } from "../src/weights/cache.js";
import { content, downloadRuns } from "./weights-fixture.js";
import { sha256Of, someBytes } from "./weights-server.js";

const current = downloadRuns();
const only = ["test_net.pth", "test_net.pth.checked.json"];

describe("a download", () => {
  test("comes whole, is checked, and is there the next time", async () => {
    const run = current();
    const seen: [number, number | undefined][] = [];
    const first = await run.fetch([], { onProgress: (done, total) => void seen.push([done, total]) });
    const path = join(run.folder, "test_net.pth");
    assert.deepEqual(first, { path, size: 100_003, sha256: sha256Of(content), outcome: "fetched", resumedFrom: 0 });
    assert.deepEqual(readFileSync(path), content);
    assert.deepEqual(readdirSync(run.folder).sort(), only);
    assert.deepEqual(seen.at(-1), [100_003, 100_003]);
    assert.equal((await run.fetch()).outcome, "cached");
    assert.deepEqual(run.server.ranges, [""]);
  });

  test("comes from a server that does not say how long it is", async () => {
    const run = current();
    assert.equal((await run.fetch([{ chunked: true }])).size, 100_003);
  });

  test("goes on from the byte where the connection was cut, again and again", async () => {
    const run = current();
    await run.fetch([{ cutAfter: 40_000 }, { cutAfter: 30_000 }]);
    assert.equal(run.server.ranges.length, 3);
    assert.match(run.server.ranges[1]!, /^bytes=\d+-$/);
    const [first, second] = run.server.ranges.slice(1).map((range) => Number(/\d+/.exec(range))) as [number, number];
    assert.ok(second > first, `${first}, ${second}`);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
    assert.equal(run.waits.length, 2);
    assert.match(run.notes[1]!, /^the connection to 127\.0\.0\.1:\d+ (broke|ended)/);
  });

  test("that ends too early without a broken connection goes on, too", async () => {
    const run = current();
    await run.fetch([{ chunked: true, cutAfter: 50_000 }]);
    assert.deepEqual(run.server.ranges, ["", "bytes=50000-"]);
    assert.match(run.notes[1]!, /ended too early; trying again in/);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
  });

  test("goes on from what an earlier process left", async () => {
    const run = current();
    await run.leaveHalf(60_001);
    assert.equal(cacheState(run.file), "partial");
    const { resumedFrom } = await run.fetch();
    assert.equal(resumedFrom, 60_001);
    assert.deepEqual(run.server.ranges, ["bytes=60001-"]);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
    assert.deepEqual(readdirSync(run.folder).sort(), only);
  });

  test("that was killed after its last byte needs no other request", async () => {
    const run = current();
    await run.leaveHalf(50_000);
    writeFileSync(join(run.folder, "test_net.pth.part"), content);
    assert.equal((await run.fetch()).resumedFrom, 100_003);
    assert.deepEqual(run.server.ranges, []);
  });

  test("of unknown length, killed after its last byte, believes the server that there is no more", async () => {
    const run = current();
    run.file = { ...run.file, size: { bytes: 100_000, isExact: false } };
    await run.leaveHalf(50_000);
    writeFileSync(join(run.folder, "test_net.pth.part"), content);
    assert.equal((await run.fetch()).size, 100_003);
    assert.deepEqual(run.server.ranges, ["bytes=100003-"]);
  });

  test("begins anew where the server knows no ranges", async () => {
    const run = current();
    await run.fetch([{ cutAfter: 50_000 }, { ignoresRange: true }]);
    assert.match(run.notes.join("\n"), /the server cannot send a part: from the beginning/);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
  });

  test("begins anew where the server gives no sign of the version", async () => {
    const run = current();
    await run.fetch([{ cutAfter: 50_000, headers: { etag: 'W/"weak"' } }]);
    assert.deepEqual(run.server.ranges, ["", ""]);
  });

  test("begins anew where the file changed at the server meanwhile", async () => {
    const run = current();
    run.server.content = someBytes(100_003, 7);
    await run.leaveHalf(50_000);
    run.server.content = content;
    await run.fetch();
    assert.deepEqual(run.server.ranges, ["bytes=50000-"]);
    assert.match(run.notes.join("\n"), /the file changed at the server: from the beginning/);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
  });

  test("begins anew where the server sends the rest of another version all the same", async () => {
    const run = current();
    run.server.content = someBytes(100_003, 7);
    await run.leaveHalf(50_000);
    run.server.content = content;
    await run.fetch([{ ignoresIfRange: true }]);
    assert.deepEqual(run.server.ranges, ["bytes=50000-", ""]);
    assert.match(run.notes.join("\n"), /the server's file is another than the half that is here; trying again/);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
  });

  test("begins anew so also where no hash would find it out", async () => {
    const run = current();
    run.file = { ...run.file, sha256: undefined };
    run.server.content = someBytes(100_003, 7);
    await run.leaveHalf(50_000);
    run.server.content = content;
    await run.fetch([{ ignoresIfRange: true }]);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
  });

  test("whose half was damaged on the disk is downloaded once more from the beginning", async () => {
    const run = current();
    await run.leaveHalf(50_000);
    writeFileSync(join(run.folder, "test_net.pth.part"), Buffer.alloc(50_000));
    await run.fetch();
    assert.deepEqual(run.server.ranges, ["bytes=50000-", ""]);
    assert.deepEqual(readFileSync(join(run.folder, "test_net.pth")), content);
  });

  test("from another address does not go on with this one's half", async () => {
    const run = current();
    await run.leaveHalf(50_000);
    assert.equal((await run.fetch([], { address: `${run.server.address}?mirror` })).resumedFrom, 0);
    assert.deepEqual(run.server.ranges, [""]);
  });
});

test("a download goes by way of the proxy that the environment names", async () => {
  const run = current();
  const asked: string[] = [];
  const proxy = createServer().on("connect", ({ url }, client: Socket) => {
    asked.push(url ?? "");
    const peer = connect(Number(new URL(run.server.address).port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      peer.pipe(client).pipe(peer);
    });
    for (const socket of [peer, client]) socket.on("error", () => [peer, client].map((either) => either.destroy()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  try {
    const turns = [{ cutAfter: 50_000 }];
    assert.equal((await run.fetch(turns, { address: "http://weights.example/weights.pth" })).outcome, "fetched");
    assert.deepEqual(new Set(asked), new Set(["weights.example:80"]));
    assert.equal(run.server.ranges.length, 2);
  } finally {
    delete process.env.HTTP_PROXY;
    proxy.close();
  }
});

describe("a file that someone put into the cache", () => {
  test("is hashed, and not downloaded where it is right", async () => {
    const run = current();
    mkdirSync(run.folder, { recursive: true });
    writeFileSync(join(run.folder, "test_net.pth"), content);
    assert.equal((await run.fetch()).outcome, "checked");
    assert.deepEqual(run.server.ranges, []);
    assert.equal(cacheState(run.file), "checked");
  });

  test("is replaced where it is wrong, once the right one is here", async () => {
    const run = current();
    mkdirSync(run.folder, { recursive: true });
    writeFileSync(join(run.folder, "test_net.pth"), "mine");
    await assert.rejects(run.fetch([{ status: 404 }]), Problem);
    assert.equal(readFileSync(join(run.folder, "test_net.pth"), "utf8"), "mine");
    assert.equal((await run.fetch()).outcome, "fetched");
    assert.match(run.notes[0]!, /is not the published one \(4 bytes, SHA-256 [0-9a-f]{64}\); it will be replaced/);
  });
});

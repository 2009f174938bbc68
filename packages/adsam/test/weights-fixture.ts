/** What the tests of downloads share: a server, a known file there, a cache folder for each test, and no real pauses. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { type Fetched, type FetchOptions, fetchWeights } from "../src/weights/fetch.js";
import type { KnownFile } from "../src/weights/known-files.js";
import { publishedAs, serve, someBytes, type TestServer, type Turn } from "./weights-server.js";

/** What the known file holds. */
export const content = someBytes(100_003);

/** One test's surroundings, new for each. */
export class DownloadRun {
  readonly notes: string[] = [];
  /** Pauses before further tries, in milliseconds. */
  readonly waits: number[] = [];
  file: KnownFile;

  constructor(
    public server: TestServer,
    readonly folder: string,
  ) {
    this.file = publishedAs(content, server.address);
  }

  /** @param turns what the server does wrong, answer by answer */
  fetch(turns: readonly Turn[] = [], options: FetchOptions = {}): Promise<Fetched> {
    this.server.turns.push(...turns);
    const wait = async (milliseconds: number) => void this.waits.push(milliseconds);
    return fetchWeights(this.file, { onNote: (text) => void this.notes.push(text), wait, ...options });
  }

  /** Leaves a half of what the server holds now, as a process that was killed does. */
  async leaveHalf(bytes: number): Promise<void> {
    const stop = new AbortController();
    const onProgress = (done: number) => done >= bytes && stop.abort();
    await assert.rejects(this.fetch([{ slow: 5 }], { signal: stop.signal, onProgress }), { name: "AbortError" });
    truncateSync(join(this.folder, "test_net.pth.part"), bytes);
    this.server.ranges.length = 0;
  }
}

/** Sets the hooks up. @returns asks for the run of the test at hand */
export function downloadRuns(): () => DownloadRun {
  const base = mkdtempSync(join(tmpdir(), "adsam-weights-"));
  let run: DownloadRun;
  beforeEach(async (context) => {
    process.env.ADSAM_CACHE = join(base, context.name.replaceAll(/\W+/g, "-"));
    run = new DownloadRun(await serve(content), join(process.env.ADSAM_CACHE, "weights"));
  });
  afterEach(() => run.server.close());
  after(() => rmSync(base, { recursive: true, force: true }));
  return () => run;
}

/** The message of the Problem in which a promise ends. */
export async function problemOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("expected a Problem"),
    (error: unknown) => error,
  );
  if (!(error instanceof Problem)) throw error;
  return error.message;
}

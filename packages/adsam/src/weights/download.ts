import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "@adsam/torch/problem";
import type { Dispatcher, Response } from "undici";
import { agentFor, asFault, contentRange, host, requestRange, TransferFault, validatorOf } from "./http.js";
import type { PartialFile } from "./partial-file.js";

export interface DownloadOptions {
  readonly address: string;
  readonly part: PartialFile;
  /** Bytes of the whole file, where they are known; another count at the server is refused before anything is written. */
  readonly size: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** @param total undefined where the server does not say */
  readonly onProgress: (done: number, total: number | undefined) => void;
  /** A remark about the way: the server's file changed, the connection broke. */
  readonly onNote: (text: string) => void;
  /** Asked once the size is known. @throws Problem where the disk has no room */
  readonly ensureRoom: (bytes: number) => Promise<void>;
  /** Milliseconds; replaced in tests. */
  readonly wait?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/** Tries without a new byte between them: of a server that answers wrongly, and of one that cannot be reached at all. */
const tries = { faulty: 5, unreachable: 2 };
const longestPause = 60_000; // ms

/**
 * Brings the part to the end of the file, over as many requests as it takes. A part that goes on is asked for with `If-Range`, so that a file
 * that changed at the server comes anew from its first byte, and so does one from a server that knows no ranges.
 * @throws Problem once it is hopeless; AbortError once the signal is set. The part stays, for another try
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { part, signal, onNote } = options;
  const wait = options.wait ?? ((ms: number) => pause(ms, undefined, signal && { signal }));
  const agent = agentFor(options.address);
  try {
    for (let failed = 0, furthest = part.bytes; ; furthest = Math.max(furthest, part.bytes)) {
      try {
        await transfer(options, agent);
        return;
      } catch (error) {
        if (!(error instanceof TransferFault)) throw error;
        failed = part.bytes > furthest ? 1 : failed + 1;
        if (failed >= (error.isUnreachable ? tries.unreachable : tries.faulty)) throw hopeless(error, failed, options);
        const milliseconds = pauseBefore(failed, error.retryAfter);
        onNote(`${error.message}; trying again in ${(milliseconds / 1000).toFixed(1)} s`);
        await wait(milliseconds, signal);
      }
    }
  } finally {
    await part.close();
    await agent.destroy();
  }
}

/** One request and its bytes. */
async function transfer(options: DownloadOptions, agent: Dispatcher): Promise<void> {
  const { address, part, size, signal, onNote, ensureRoom } = options;
  if (size !== undefined && part.bytes === size) return; // killed after the last byte
  const from = part.validator === undefined ? 0 : part.bytes;
  const response = await requestRange({ address, from, validator: part.validator, agent, signal });
  const whole = totalOf(response) ?? size;
  try {
    if (response.status === 416 && from > 0 && whole === part.bytes) return; // likewise, where the size was not known
    if (response.status === 416 || (response.status === 206 && !continues(response, part))) {
      await part.discard();
      throw new TransferFault("the server's file is another than the half that is here");
    }
    if (size !== undefined && whole !== size) throw wrongSize(address, whole, size);
    if (response.status === 200) {
      const validator = validatorOf(response);
      if (from > 0) {
        const why = validator === part.validator ? "the server cannot send a part" : "the file changed at the server";
        onNote(`${why}: from the beginning`);
      }
      await part.begin(address, validator);
    }
    if (whole !== undefined) await ensureRoom(whole - part.bytes);
    await receive(response, options, whole);
  } finally {
    await response.body?.cancel().catch(() => undefined); // one that broke by itself says so again
  }
  if (whole !== undefined && part.bytes < whole)
    throw new TransferFault(`the connection to ${host(address)} ended too early`);
}

async function receive(response: Response, { address, part, onProgress }: DownloadOptions, whole: number | undefined) {
  if (response.body === null) return;
  const body = response.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await body.next().catch((error: unknown) => {
        throw asFault(error, address); // only what the network did; a full disk is told of elsewhere
      });
      if (next.done === true) return;
      await part.append(next.value as Uint8Array);
      if (whole !== undefined && part.bytes > whole) {
        await part.discard();
        throw wrongSize(address, undefined, whole);
      }
      onProgress(part.bytes, whole);
    }
  } finally {
    await body.return?.().catch(() => undefined);
  }
}

/** Whether an answer 206 begins where the part ends, in the version the part is of. */
function continues(response: Response, part: PartialFile): boolean {
  const given = validatorOf(response);
  return contentRange(response)?.from === part.bytes && (given === undefined || given === part.validator);
}

/** Bytes of the whole file by the server's word. */
function totalOf(response: Response): number | undefined {
  if (response.status !== 200) return contentRange(response)?.total;
  const length = response.headers.get("content-length");
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

function wrongSize(address: string, found: number | undefined, expected: number): Problem {
  return new Problem({
    what: `download ${address}`,
    found: found === undefined ? "more bytes than that" : `a file of ${found} bytes`,
    expected: `${expected} bytes`,
    todo: "The file there is another one, or a page stands in its place (a network that asks for a login does that).",
  });
}

function hopeless(fault: TransferFault, failed: number, { address, part }: DownloadOptions): Problem {
  const kept = part.bytes > 0 ? " What came so far is kept; the same command goes on from there." : "";
  const todo = fault.isUnreachable ? undefined : `Try again later.${kept}`;
  const found = fault.isUnreachable ? `no connection (${fault.message})` : `${fault.message}, ${failed} times in a row`;
  return new Problem({ what: `download ${address}`, found, ...(todo && { todo }) }, { cause: fault });
}

/** Half a second, then twice as long each time, up to a quarter more by chance; or what the server asks for. */
function pauseBefore(failed: number, retryAfter: number | undefined): number {
  const own = 500 * 2 ** (failed - 1) * (1 + Math.random() / 4);
  return Math.min(longestPause, Math.max(own, (retryAfter ?? 0) * 1000));
}

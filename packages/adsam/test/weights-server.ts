/** A server of one file for the tests of downloads: ranges, versions, and whatever can go wrong on the way. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { KnownFile } from "../src/weights/known-files.js";

/** How one answer differs from a good one. */
export interface Turn {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the body after which the connection is cut. */
  readonly cutAfter?: number;
  /** As a server that knows no ranges. */
  readonly ignoresRange?: boolean;
  /** Answers 206 whatever `If-Range` says. */
  readonly ignoresIfRange?: boolean;
  /** No Content-Length; with `cutAfter` the answer ends there as if that were all. */
  readonly chunked?: boolean;
  /** Milliseconds after each 4096 bytes. */
  readonly slow?: number;
}

export interface TestServer {
  readonly address: string;
  /** The headers `range` of the requests so far; "" for the whole. */
  readonly ranges: string[];
  /** Answers to come, in order; after them good ones. */
  readonly turns: Turn[];
  content: Buffer;
  close(): Promise<void>;
}

export async function serve(content: Buffer): Promise<TestServer> {
  const ranges: string[] = [];
  const turns: Turn[] = [];
  const http = createServer((request, response) => {
    ranges.push(request.headers.range ?? "");
    answer(request, response, server.content, turns.shift() ?? {}).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      http.closeAllConnections();
      http.close(() => resolve());
    });
  const server = { address: `http://127.0.0.1:${port}/weights.pth`, ranges, turns, content, close };
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, content: Buffer, turn: Turn): Promise<void> {
  const etag = `"${sha256Of(content).slice(0, 16)}"`;
  const headers: Record<string, string> = { etag, "accept-ranges": "bytes", ...turn.headers };
  if (turn.status !== undefined) {
    response.writeHead(turn.status, headers).end("no");
    return;
  }
  const wanted = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const isSame = request.headers["if-range"] === etag || turn.ignoresIfRange === true;
  const from = wanted !== null && isSame && turn.ignoresRange !== true ? Number(wanted[1]) : 0;
  if (from >= content.length) {
    response.writeHead(416, { ...headers, "content-range": `bytes */${content.length}` }).end();
    return;
  }
  const body = content.subarray(from);
  if (from > 0) headers["content-range"] = `bytes ${from}-${content.length - 1}/${content.length}`;
  if (turn.chunked !== true) headers["content-length"] = String(body.length);
  response.writeHead(from > 0 ? 206 : 200, headers);
  const end = Math.min(turn.cutAfter ?? body.length, body.length);
  for (let at = 0; at < end; at += 4096) {
    const piece = body.subarray(at, Math.min(at + 4096, end));
    await new Promise((resolve) => response.write(piece, resolve));
    if (turn.slow !== undefined) await pause(turn.slow);
  }
  if (turn.cutAfter === undefined || turn.chunked === true) response.end();
  else {
    await pause(150); // what the client has not read by the cut is lost to it
    response.destroy();
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes that do not repeat, so that a gap or a doubled piece shows in the hash. */
export function someBytes(length: number, seed = 1): Buffer {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state >>> 16;
  };
  return Buffer.from(Uint8Array.from({ length }, next));
}

/** A known file as if it were published with this content. */
export function publishedAs(content: Buffer, address: string): KnownFile {
  return {
    name: "test-net",
    fileName: "test_net.pth",
    address,
    size: { bytes: content.length, isExact: true },
    sha256: { hex: sha256Of(content), isPrefix: false },
    licence: "Apache-2.0",
    purpose: "a test",
    source: "https://weights.example/test-net",
  };
}

/** One request for the rest of a file, and what went wrong with it, in words. */

import { Problem } from "@adsam/torch/problem";
import { getProxyForUrl } from "proxy-from-env";
import { Agent, type Dispatcher, fetch, ProxyAgent, type Response } from "undici";

/** Milliseconds: to connect, until the answer begins, and between two pieces of it. */
const patience = { connect: 15_000, headers: 30_000, body: 60_000 };

/** A request that another try may mend. */
export class TransferFault extends Error {
  /**
   * @param isUnreachable the server was never spoken to
   * @param retryAfter seconds the server asked for
   */
  constructor(
    message: string,
    readonly isUnreachable = false,
    readonly retryAfter: number | undefined = undefined,
  ) {
    super(message);
  }
}

/** For requests of one address, by way of the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for it. To be destroyed in the end. */
export function agentFor(address: string): Dispatcher {
  const timeouts = { headersTimeout: patience.headers, bodyTimeout: patience.body };
  const proxy = getProxyForUrl(address);
  if (proxy === "") return new Agent({ ...timeouts, connectTimeout: patience.connect });
  if (URL.canParse(proxy)) return new ProxyAgent({ uri: proxy, ...timeouts, connectTimeout: patience.connect });
  const expected = "an address such as http://proxy.example:8080";
  throw new Problem({ what: "HTTPS_PROXY or HTTP_PROXY", found: `"${proxy}"`, expected });
}

export interface RangeRequest {
  readonly address: string;
  /** Byte to begin at. */
  readonly from: number;
  /** Of the version whose beginning is here; sent with `from` > 0. */
  readonly validator: string | undefined;
  readonly agent: Dispatcher;
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks for a file from a byte on. The answer is 200, 206 or 416.
 * @throws TransferFault where another try may help; Problem for an answer that will stay the same
 */
export async function requestRange({ address, from, validator, agent, signal }: RangeRequest): Promise<Response> {
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "adsam" }; // ranges count bytes of the file
  if (from > 0 && validator !== undefined) Object.assign(headers, { range: `bytes=${from}-`, "if-range": validator });
  let response: Response;
  try {
    response = await fetch(address, { headers, dispatcher: agent, ...(signal && { signal }) });
  } catch (error) {
    throw asFault(error, address);
  }
  const { status } = response;
  const isEncoded = !["identity", null].includes(response.headers.get("content-encoding"));
  if ((status === 200 || status === 206 || status === 416) && !isEncoded) return response;
  await response.body?.cancel();
  const what = `download ${address}`;
  if (isEncoded) throw new Problem({ what, found: "a compressed answer", expected: "the file's own bytes" });
  if (status >= 500 || status === 408 || status === 425 || status === 429)
    throw new TransferFault(
      `${host(address)} answered ${status}`,
      false,
      secondsOf(response.headers.get("retry-after")),
    );
  const isGone = status === 404 || status === 410;
  const found = `HTTP status ${status}${isGone ? ": the file is not there any more" : ""}`;
  throw new Problem({ what, found, expected: "the file", todo: "Look at the address in a browser." });
}

/** For `If-Range`: a strong ETag, else the time of change; undefined where the server gives neither. */
export function validatorOf(response: Response): string | undefined {
  const etag = response.headers.get("etag");
  if (etag !== null && !etag.startsWith("W/")) return etag;
  return response.headers.get("last-modified") ?? undefined;
}

// `bytes 100-199/200` → from 100, total 200; `bytes */200`, the form of status 416, → from undefined, total 200; else undefined
export function contentRange(response: Response): { from: number | undefined; total: number } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (match === null) return undefined;
  return { from: match[1] === undefined ? undefined : Number(match[1]), total: Number(match[2]) };
}

/** @returns a fault in words, or the error itself where it is none of the network's */
export function asFault(error: unknown, address: string): unknown {
  if (!(error instanceof Error) || error.name === "AbortError") return error;
  const cause = codedCause(error);
  if (cause === undefined) return error instanceof TypeError ? broken(address, error.message) : error; // fetch's own form
  const { code = "", message } = cause;
  const proxy = getProxyForUrl(address).replace(/\/\/[^@/]*@/, "//…@"); // without a password
  const peer = proxy === "" ? host(address) : `the proxy ${proxy}`;
  const words = unreachable[code];
  if (words !== undefined) return new TransferFault(words.replace("PEER", peer), true);
  if (code === "UND_ERR_ABORTED" && proxy !== "")
    return new TransferFault(`${peer} did not let us through (${message})`, true);
  if (/CERT|SELF_SIGNED|LEAF_SIGNATURE/.test(code)) return certificateProblem(address, code);
  return broken(address, code);
}

function broken(address: string, why: string): TransferFault {
  return new TransferFault(`the connection to ${host(address)} broke (${why})`);
}

const unreachable: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name of PEER could not be resolved",
  EAI_AGAIN: "the name of PEER could not be resolved",
  ECONNREFUSED: "PEER refused the connection",
  ENETUNREACH: "no network to PEER",
  EPEERUNREACH: "no way to PEER",
  ETIMEDOUT: "PEER does not answer",
  UND_ERR_CONNECT_TIMEOUT: "PEER does not answer",
};

/** The first error with a code along an error's causes; undici wraps the system's once or twice. */
function codedCause(error: Error): NodeJS.ErrnoException | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (typeof (at as NodeJS.ErrnoException).code === "string") return at;
  }
  return undefined;
}

function certificateProblem(address: string, code: string): Problem {
  return new Problem({
    what: `download ${address}`,
    found: `a certificate that this machine does not trust (${code})`,
    todo: "Behind a proxy that reads along, set NODE_EXTRA_CA_CERTS to the file of its certificate.",
  });
}

/** For messages. */
export function host(address: string): string {
  return new URL(address).host;
}

function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

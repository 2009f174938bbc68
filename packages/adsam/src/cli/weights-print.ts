import { cacheFolder } from "../cache-folder.js";
import { duration } from "../train/duration.js";
import { type CacheState, cacheState, look, partOf, placeOf } from "../weights/cache.js";
import type { FileContent } from "../weights/content.js";
import type { Fetched } from "../weights/fetch.js";
import type { KnownFile } from "../weights/known-files.js";
import { sizeText } from "../weights/sizes.js";
import type { Verification } from "../weights/verify.js";
import type { Output } from "./output.js";
import type { ProgressLine } from "./progress-line.js";

/** A known file and what of it is in the cache. */
interface Listing extends Omit<KnownFile, "sha256"> {
  /** null where none is published; `isPrefix` where only the first digits are. */
  readonly sha256: KnownFile["sha256"] | null;
  readonly state: CacheState;
  /** Bytes of a download that can go on. */
  readonly partialBytes: number;
  /** Where it is, or would be. */
  readonly path: string;
}

export function listing(file: KnownFile): Listing {
  const path = placeOf(file);
  const state = cacheState(file);
  const partialBytes = state === "partial" ? (look(partOf(path))?.size ?? 0) : 0;
  return { ...file, sha256: file.sha256 ?? null, state, partialBytes, path };
}

/** One line a file. `~` stands before a size that is not exact. */
export function printListing(entries: readonly Listing[], output: Output): void {
  const { dim } = output.colours;
  const columns = [
    { title: "name" },
    { title: "what it is" },
    { title: "size", align: "right" },
    { title: "licence" },
    { title: "cached" },
  ] as const;
  const rows = entries.map((entry) => {
    const size = `${entry.size.isExact ? "" : "~"}${sizeText(entry.size.bytes)}`;
    return [entry.name, entry.purpose, size, entry.licence, stateText(entry, output)];
  });
  output.table(columns, rows);
  output.line();
  output.line(dim(`cache: ${cacheFolder("weights")}`));
  const unhashed = entries.filter(({ sha256 }) => sha256 === null).map(({ name }) => name);
  if (unhashed.length > 0) output.line(dim(`no published SHA-256: ${unhashed.join(", ")}`));
  output.line(dim("adsam weights fetch NAME downloads one; --json also lists addresses and hashes"));
}

function stateText({ state, partialBytes, size }: Listing, { colours }: Output): string {
  if (state === "checked") return colours.green("yes");
  if (state === "unchecked") return colours.yellow("unchecked");
  if (state === "partial") return colours.yellow(`${Math.min(99, Math.floor((100 * partialBytes) / size.bytes))} %`);
  return "";
}

/** Shows bytes as whole megabytes, with speed and time left. */
export function bytesProgress(bar: ProgressLine): (done: number, total: number | undefined) => void {
  let start: { time: number; done: number } | undefined;
  return (done, total) => {
    const now = performance.now();
    start ??= { time: now, done };
    const seconds = (now - start.time) / 1000;
    const speed = seconds > 1 ? Math.max(0, done - start.done) / seconds : 0; // bytes a second; of the first one nothing is said
    const left = total === undefined || speed === 0 ? "" : `, ${duration((total - done) / speed)} left`;
    const remark = speed === 0 ? undefined : `${(speed / 1e6).toFixed(1)} MB/s${left}`;
    bar.update(megabytes(done), megabytes(total ?? done), remark);
  };
}

export function printFetched(
  file: KnownFile,
  { path, size, sha256, outcome, resumedFrom }: Fetched,
  output: Output,
): void {
  const { green, dim } = output.colours;
  const resumed = resumedFrom > 0 ? `, of which ${sizeText(resumedFrom)} were here` : "";
  const told = {
    cached: "is in the cache already, checked",
    checked: "was there already and is right",
    fetched: `fetched, ${sizeText(size)}${resumed}`,
  };
  output.line(`${green(file.name)} ${told[outcome]}`);
  output.line(dim(`SHA-256 ${sha256}`));
  const open = openQuestion(file);
  if (open !== undefined) output.line(open);
  output.line(path);
}

/** After Ctrl-C. @param from the mirror asked, if any */
export function printStopped(file: KnownFile, from: string | undefined, output: Output): void {
  const bytes = look(partOf(placeOf(file)))?.size ?? 0;
  output.note(`stopped after ${sizeText(bytes)} of ${sizeText(file.size.bytes)}`);
  output.note(`go on with: adsam weights fetch ${file.name}${from === undefined ? "" : ` --from '${from}'`}`);
}

export function printVerification(verification: Verification, output: Output): void {
  const { path, size, sha256, verdict, known, content } = verification;
  const { green, red, yellow } = output.colours;
  output.line(path);
  output.line(`size     ${size} bytes`);
  output.line(`SHA-256  ${sha256}`);
  if (known === undefined) {
    output.line(`${yellow("unknown:")} nobody here knows this file (adsam weights list names those known)`);
  } else if (verdict === "match") {
    output.line(`${green("right:")} it is ${known.name} (${known.purpose}, ${known.licence})`);
  } else if (verdict === "unconfirmed") {
    output.line(`${yellow("not confirmed:")} it may be ${known.name}`);
    output.line(openQuestion(known));
  } else {
    output.line(`${red("wrong:")} it is not ${known.name}, which has`);
    if (known.size.isExact && known.size.bytes !== size)
      output.line(`size     ${known.size.bytes} bytes${cut(size, known)}`);
    if (known.sha256 !== undefined) output.line(`SHA-256  ${known.sha256.hex}${known.sha256.isPrefix ? "…" : ""}`);
    output.line(`adsam weights fetch ${known.name} downloads it.`);
  }
  if (content !== undefined) output.line(contentText(content, verdict));
}

function contentText({ kind, text }: FileContent, verdict: Verification["verdict"]): string {
  const but = verdict === "unknown" ? "; its hash is not that of a known file" : "";
  if (kind === "network") return `By its tensors' names it is ${text}${but}.`;
  if (kind === "other") return `It is a checkpoint of nothing that is known here: ${text}.`;
  if (kind === "unreadable") return `It cannot be read as a checkpoint: ${text}.`;
  return `It is no checkpoint: ${text}.`;
}

function cut(size: number, known: KnownFile): string {
  return size < known.size.bytes ? `: ${sizeText(known.size.bytes - size)} are missing here` : "";
}

/** What the hash leaves open; undefined where it settles everything. */
function openQuestion({ sha256, source }: KnownFile): string | undefined {
  if (sha256 === undefined) return `no SHA-256 is published for it; compare with ${source}`;
  return sha256.isPrefix ? `only ${sha256.hex.length} digits of its SHA-256 are published, and they agree` : undefined;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

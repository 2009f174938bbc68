/** `manifest.json`: what the shards beside it hold, for people, and for the reader to check before it believes them. */
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { makeFolder } from "../make-folder.js";
import { canonical, descriptionKey, type EmbeddingDescription, formatVersion } from "./description.js";
import { cannotWriteStore, otherStore } from "./write-failure.js";

const format = "adsam-embeddings";

interface Manifest {
  readonly format: string;
  readonly version: number;
  readonly key: string;
  readonly description: EmbeddingDescription;
}

/** Makes the folder and its manifest where they are not there. Several processes may do so at once: the first one's stands. */
export function ensureManifest(folder: string, description: EmbeddingDescription): void {
  const file = path.join(folder, "manifest.json");
  const manifest: Manifest = { format, version: formatVersion, key: descriptionKey(description), description };
  const half = `${file}.${process.pid}-${randomBytes(4).toString("hex")}.part`;
  try {
    makeFolder(path.join(folder, "shards"));
    if (readText(file) !== undefined) return;
    writeFileSync(half, `${JSON.stringify(manifest, null, 2)}\n`);
    try {
      linkSync(half, file); // unlike a rename, never over a manifest that came first
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
      writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`, { flag: "wx" }); // no links on this file system
    }
  } catch (error) {
    throw cannotWriteStore(folder, error);
  } finally {
    rmSync(half, { force: true });
  }
}

/** @throws Problem for a manifest that is missing, unreadable, of another version, or of other embeddings */
export function checkManifest(folder: string, description: EmbeddingDescription): void {
  const what = `embedding store "${folder}"`;
  const afresh = `Delete the folder "${folder}" to compute its embeddings anew, or ${otherStore}.`;
  const text = readText(path.join(folder, "manifest.json"));
  if (text === undefined)
    throw new Problem({ what, found: "no manifest.json", expected: "a store that `adsam embed` made", todo: afresh });
  const manifest = parse(text);
  if (manifest?.format !== format)
    throw new Problem({ what, found: "a manifest.json that is none of ours, or damaged", todo: afresh });
  if (manifest.version !== formatVersion)
    throw new Problem({
      what,
      found: `format version ${manifest.version}`,
      expected: `${formatVersion}`,
      todo: afresh,
    });
  const key = descriptionKey(description);
  if (manifest.key === key && descriptionKeyOf(manifest) === key) return;
  throw new Problem({ what, found: differences(manifest.description, description), todo: afresh });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parse(text: string): Manifest | undefined {
  try {
    return JSON.parse(text) as Manifest;
  } catch {
    return undefined;
  }
}

function descriptionKeyOf({ description }: Manifest): string | undefined {
  try {
    return descriptionKey(description);
  } catch {
    return undefined; // not of the form of a description
  }
}

/** `encoder.weights 0123 instead of 4567`, the first few. */
function differences(found: unknown, expected: unknown): string {
  const [there, wanted] = [leaves(found), leaves(expected)];
  const names = [...new Set([...there.keys(), ...wanted.keys()])].filter(
    (name) => there.get(name) !== wanted.get(name),
  );
  const told = names.slice(0, 3).map((name) => `${name} ${there.get(name)} instead of ${wanted.get(name)}`);
  return told.length > 0 ? `embeddings of another kind (${told.join("; ")})` : "a manifest whose key is not its own";
}

function leaves(value: unknown, name = ""): Map<string, string> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return new Map([[name, canonical(value)]]);
  const inner = Object.entries(value).map(([key, child]) => leaves(child, name === "" ? key : `${name}.${key}`));
  return new Map(inner.flatMap((map) => [...map]));
}

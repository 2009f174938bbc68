import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { crc32 } from "@adsam/torch/io/crc32";
import { Problem } from "@adsam/torch/problem";
import { makeFolder } from "../make-folder.js";
import { Claims } from "./claims.js";
import { descriptionKey, type EmbeddingDescription, folderName } from "./description.js";
import { checkManifest, ensureManifest } from "./manifest.js";
import { type EmbeddingId, idText, payloadBytes } from "./record.js";
import { ShardReader } from "./shard-reader.js";
import { ShardWriter, type WriteBytes } from "./shard-writer.js";
import { cannotWriteStore } from "./write-failure.js";

/** Files kept open for reading. */
const mostOpenShards = 64;

export interface StoreOptions {
  /** Folder of all stores; this one's is below it, named after what it holds. */
  readonly root: string;
  readonly description: EmbeddingDescription;
  /** Reading needs no permission to write, and an existing store. Default: write. */
  readonly mode?: "read" | "write";
  /** How bytes reach a file. */
  readonly writeBytes?: WriteBytes;
}

/** A record that is not what was written. */
export interface DamagedRecord {
  readonly id: EmbeddingId;
  readonly shard: string;
  readonly ordinal: number;
}

interface Place {
  readonly shard: ShardReader;
  readonly ordinal: number;
  readonly checksum: number;
  /** Its payload was read and held what was written. */
  verified: boolean;
}

/**
 * Embeddings of one encoder, preprocessing and dtype, as bytes. Each process appends to a shard of its own and reads everyone's, so any
 * number may use one store at once, be killed at any byte, and start again: what was written whole stays, a torn end is passed over.
 * On a network file system nothing wrong is ever read; there, a process may see what others wrote a little later.
 */
export class EmbeddingStore implements Disposable {
  readonly folder: string;
  readonly description: EmbeddingDescription;
  /** Bytes of one embedding. */
  readonly payloadBytes: number;
  readonly claims: Claims;
  /** What was found damaged since the store was opened. It counts as not there. */
  readonly damaged: DamagedRecord[] = [];
  readonly #key: string;
  readonly #mode: "read" | "write";
  readonly #writeBytes: WriteBytes | undefined;
  readonly #shards = new Map<string, ShardReader>();
  /** The first place is the embedding; others hold the same, and stand in where it is damaged. */
  readonly #places = new Map<string, Place[]>();
  #writer: ShardWriter | undefined;

  private constructor({ root, description, mode = "write", writeBytes }: StoreOptions) {
    this.#key = descriptionKey(description);
    this.#mode = mode;
    this.#writeBytes = writeBytes;
    this.folder = storeFolder(root, description);
    this.description = description;
    this.payloadBytes = payloadBytes(description.storage);
    this.claims = new Claims(path.join(this.folder, "claims"));
  }

  /**
   * Opens the store of that description, and makes it for writing where it is not there.
   * @throws Problem for a folder that cannot be used, and for a manifest of another version or of other embeddings
   */
  static open(options: StoreOptions): EmbeddingStore {
    const store = new EmbeddingStore(options);
    if (store.#mode === "write") ensureManifest(store.folder, options.description);
    checkManifest(store.folder, options.description);
    store.refresh();
    return store;
  }

  /** How many embeddings there are. */
  get size(): number {
    return this.#places.size;
  }

  has(id: EmbeddingId): boolean {
    return this.#places.has(idText(id));
  }

  /**
   * An embedding's bytes, checked once. A damaged record is dropped and listed in `damaged`; another copy stands in, if there is one.
   * @param into `payloadBytes` long; made where it is not given
   * @returns undefined where there is none
   */
  read(id: EmbeddingId, into?: Uint8Array): Uint8Array | undefined {
    const name = idText(id);
    const places = this.#places.get(name);
    if (!places) return undefined;
    const payload = into ?? new Uint8Array(this.payloadBytes);
    for (let place = places[0]; place; place = places[0]) {
      if (this.#holds(place, payload)) return payload;
      places.shift();
      this.damaged.push({ id, shard: place.shard.name, ordinal: place.ordinal });
    }
    this.#places.delete(name);
    return undefined;
  }

  #holds(place: Place, payload: Uint8Array): boolean {
    const { shard, ordinal, checksum } = place;
    if (!shard.isOpen) this.#limitOpenShards();
    if (!shard.read(ordinal, payload)) return false;
    place.verified ||= crc32(payload) === checksum;
    return place.verified;
  }

  #limitOpenShards(): void {
    const open = [...this.#shards.values()].filter((shard) => shard.isOpen);
    if (open.length >= mostOpenShards) for (const shard of open) shard.close();
  }

  /**
   * Appends an embedding. Once this returns, a killed process does not lose it.
   * @throws Problem where the disk is full or read-only; what was stored before is whole
   */
  write(id: EmbeddingId, payload: Uint8Array): void {
    if (payload.length !== this.payloadBytes)
      throw new RangeError(`an embedding of ${payload.length} bytes in a store of ${this.payloadBytes} each`);
    if (this.#mode === "read")
      throw new Problem({ what: `embedding store "${this.folder}"`, found: "it was opened for reading" });
    try {
      if (this.#writer?.isFull) this.#closeWriter();
      this.#writer ??= this.#newShard();
      this.#writer.append(id, payload);
    } catch (error) {
      throw cannotWriteStore(this.folder, error);
    }
    this.refresh();
  }

  #newShard(): ShardWriter {
    const time = new Date().toISOString().replaceAll(/[-:.]/g, "");
    const host = hostname()
      .replaceAll(/[^\w-]/g, "_")
      .slice(0, 40);
    const name = `${time}-${host}-${process.pid}-${randomBytes(4).toString("hex")}`;
    makeFolder(this.#shardFolder);
    return new ShardWriter(path.join(this.#shardFolder, name), this.#key, this.payloadBytes, this.#writeBytes);
  }

  /** Takes note of what was written since, by this process or others. @returns how many embeddings are new */
  refresh(): number {
    const before = this.size;
    for (const name of this.#shardNames()) {
      const known = this.#shards.get(name);
      const shard = known ?? new ShardReader(name, path.join(this.#shardFolder, name), this.#key, this.payloadBytes);
      if (!known) this.#shards.set(name, shard);
      for (const { id, ordinal, checksum } of shard.news())
        this.#note(id, { shard, ordinal, checksum, verified: false });
    }
    return this.size - before;
  }

  #note(id: EmbeddingId, place: Place): void {
    const name = idText(id);
    const places = this.#places.get(name);
    if (!places) this.#places.set(name, [place]);
    else {
      // Of several the first by name counts, so that every process reads the same one.
      places.push(place);
      places.sort((a, b) =>
        a.shard.name < b.shard.name ? -1 : a.shard.name > b.shard.name ? 1 : a.ordinal - b.ordinal,
      );
    }
  }

  get #shardFolder(): string {
    return path.join(this.folder, "shards");
  }

  #shardNames(): string[] {
    const names = this.#files().filter((name) => name.endsWith(".data"));
    return names.map((name) => name.slice(0, -".data".length)).sort();
  }

  #files(): string[] {
    try {
      return readdirSync(this.#shardFolder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // nothing stored yet
      throw error;
    }
  }

  /** What is wrong with files of this store beside single records, in words. */
  get faults(): string[] {
    return [...this.#shards.values()].flatMap(({ name, fault, lost }) => [
      ...(fault === undefined ? [] : [`shard "${name}" is passed over: ${fault}`]),
      ...(lost === 0 ? [] : [`shard "${name}": ${lost} unreadable record${lost === 1 ? "" : "s"}`]),
    ]);
  }

  /** Bytes of all shards on disk, torn ends included. */
  get bytes(): number {
    const files = this.#files().map((name) => path.join(this.#shardFolder, name));
    return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  }

  #closeWriter(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.close();
  }

  /** Brings what was written to the disk and lets go of every file. */
  close(): void {
    this.claims.close();
    for (const shard of this.#shards.values()) shard.close();
    try {
      this.#closeWriter();
    } catch (error) {
      throw cannotWriteStore(this.folder, error);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Where the store of a description stands below the root. */
function storeFolder(root: string, description: EmbeddingDescription): string {
  return path.join(root, folderName(description, descriptionKey(description)));
}

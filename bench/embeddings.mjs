/**
 * How fast stored embeddings come back: `node bench/embeddings.mjs [--count 256] [--threads 2] [--folder /tmp]`.
 * Writes embeddings of SAM's size (256×64×64) in each dtype, opens the store anew and reads all of them from the warm page cache, in
 * random order, on the main thread, up to the float32 tensor that goes to the network; the first time with each record's checksum, the
 * second time without, as in a run's first epoch and the later ones.
 * Exit code 1 where fewer than 300 a second came in a first epoch.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { storageDtypes } from "../packages/adsam/dist/src/data/embeddings/description.js";
import { diskSize } from "../packages/adsam/dist/src/data/embeddings/disk-space.js";
import { EmbeddingStore } from "../packages/adsam/dist/src/data/embeddings/store.js";
import { imageNet } from "../packages/adsam/dist/src/data/transforms/normalise.js";
import { decodeEmbedding, encodeEmbedding } from "../packages/adsam/dist/src/embed/codec.js";
import { Generator, randn, scope, setNumThreads } from "../packages/torch/dist/src/index.js";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "256" },
    threads: { type: "string", default: "2" },
    folder: { type: "string", default: tmpdir() },
  },
});
const count = Number(values.count);
const wanted = 300;
setNumThreads(Number(values.threads));
Generator.default().seed(1);
const root = mkdtempSync(join(values.folder, "adsam-embeddings-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

const shape = [256, 64, 64];
const id = (i) => ({ picture: createHash("sha256").update(String(i)).digest("hex"), mirrored: i % 2 === 1 });
const order = Array.from({ length: count }, (_, i) => (i * 7919) % count);
const rate = (body) => {
  const start = performance.now();
  for (const i of order) body(i);
  return count / ((performance.now() - start) / 1000);
};
let slow = false;

for (const dtype of storageDtypes) {
  const description = {
    encoder: { name: "sam-vit-h", weights: "0".repeat(64) },
    preprocessing: {
      height: 1024,
      width: 1024,
      resize: "pillow-bilinear",
      normalisation: imageNet,
      patchSize: 16,
      precision: "float32",
    },
    storage: { dtype, shape },
  };
  const written = EmbeddingStore.open({ root, description });
  const embedding = scope(() => randn(shape));
  const encoded = rate(() => encodeEmbedding(embedding, description.storage));
  const payload = encodeEmbedding(embedding, description.storage);
  const stored = rate((i) => written.write(id(i), payload));
  written.close();

  const store = EmbeddingStore.open({ root, description });
  const scratch = new Uint8Array(store.payloadBytes);
  const read = (i) => scope(() => void decodeEmbedding(store.read(id(i), scratch), description.storage));
  const first = rate(read);
  const later = rate(read);
  const bytesOnly = rate((i) => void store.read(id(i), scratch));
  slow ||= first < wanted;
  const figures = { "with checksum": first, later, "bytes only": bytesOnly, encoded, stored };
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(0)}`);
  console.log(`${dtype.padEnd(8)} ${diskSize(store.payloadBytes)} each; embeddings a second: ${text.join(", ")}`);
  store.close();
  rmSync(store.folder, { recursive: true });
}
if (slow) console.log(`fewer than ${wanted} a second`);
process.exitCode = slow ? 1 : 0;

// @ts-check
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compileTypes } from "./compile.mjs";
import { withLock } from "./lock.mjs";
import { buildNative } from "./native.mjs";
import { installPackages } from "./packages.mjs";
import { say } from "./say.mjs";
import { npmSignature, typesSignature, whatIsStale, writeStamps } from "./stamps.mjs";

/**
 * The slow path: brings packages, native part and compiled sources up to date, each only if it is not.
 * @param {string} root
 * @param {{ needsNative: boolean }} options
 */
export async function prepare(root, { needsNative }) {
  mkdirSync(join(root, "build"), { recursive: true });
  const onWait = (/** @type {string} */ pid) => say(`adsam: process ${pid} is setting up this folder; waiting for it`);
  await withLock(
    join(root, "build", "setup.lock"),
    async () => {
      // asked again under the lock: another launcher may have done it meanwhile
      if (whatIsStale(root, process.env).includes("npm")) {
        await installPackages(root);
        writeStamps(root, { npm: npmSignature(root) });
      }
      if (needsNative && whatIsStale(root, process.env).includes("native")) await buildNative(root);
      if (whatIsStale(root, process.env).includes("types")) {
        const signature = typesSignature(root); // taken before: a source changed while compiling is compiled again
        await compileTypes(root);
        writeStamps(root, { types: signature });
      }
    },
    { onWait },
  );
}

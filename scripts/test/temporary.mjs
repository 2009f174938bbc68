// @ts-check
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * A folder with these files in it, gone when the test ends.
 * @param {import("node:test").TestContext} t
 * @param {Record<string, string>} [files] text by path
 */
export function folderWith(t, files = {}) {
  const folder = mkdtempSync(join(tmpdir(), "adsam-setup-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) write(folder, path, text);
  return folder;
}

/** @param {string} folder @param {string} path @param {string} text */
export function write(folder, path, text) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

// @ts-check
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs `work` while holding a lock file, so that two launchers started at once do not build into the same folder.
 * The file names its holder (host, process, when that process started); a lock whose holder has died is taken over.
 *
 * @template T
 * @param {string} path of the lock file
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (holder: string) => void, pollMs?: number }} [options] `onWait` is called once, before the first wait
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait, pollMs = 200 } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${hostname()} ${process.pid} ${startOf(process.pid)}`;
  for (let waited = false; !create(path, mine); waited = true) {
    const holder = read(path);
    if (holder === undefined) continue;
    if (isDead(holder)) {
      breakLock(path, holder, mine);
      continue;
    }
    if (!waited) onWait?.(holder.split(" ")[1] ?? holder);
    await sleep(pollMs);
  }
  const release = () => {
    if (read(path) === mine) rmSync(path, { force: true });
  };
  process.once("exit", release);
  try {
    return await work();
  } finally {
    release();
    process.removeListener("exit", release);
  }
}

/**
 * Two waiters may see the same dead holder; the second must not remove the first one's new lock. So removing is itself
 * exclusive, and whoever may remove looks once more whether the lock is still the dead one's.
 * @param {string} path
 * @param {string} dead
 * @param {string} mine
 */
function breakLock(path, dead, mine) {
  const breaking = `${path}.breaking`;
  if (!create(breaking, mine)) {
    const age = Date.now() - (statSync(breaking, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 10_000) rmSync(breaking, { force: true }); // its maker died between two lines
    return;
  }
  if (read(path) === dead) rmSync(path, { force: true });
  rmSync(breaking, { force: true });
}

/**
 * Written aside and linked into place, so that no reader sees a lock without its holder's name.
 * @param {string} path
 * @param {string} text
 * @returns {boolean} false where the file exists already
 */
function create(path, text) {
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, text);
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @param {string} holder the lock file's text; another host's processes cannot be asked, so its lock counts as alive */
function isDead(holder) {
  const [host, pid, start] = holder.split(" ");
  if (host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH";
  }
  return start !== startOf(Number(pid)); // the number may have gone to another process since
}

/** When a process started, in the kernel's ticks; empty where /proc is not there. @param {number} pid */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

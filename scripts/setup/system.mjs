// @ts-check
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { isAtLeast, oldestVersion } from "./libtorch.mjs";
import { indent } from "./packages.mjs";
import { SetupProblem } from "./problem.mjs";
import { run } from "./run.mjs";
import { say, startStep } from "./say.mjs";
import { findProgram } from "./stamps.mjs";

/**
 * What the native part needs from the system.
 * @typedef {"libtorch" | "compiler" | "make" | "cmake"} Need
 */

/** @type {Record<Need, { why: string, debian: string[], fedora: string[], macos: string[] }>} */
const providers = {
  libtorch: {
    why: "libtorch and OpenBLAS (the engine)",
    debian: ["libtorch-dev", "libopenblas0-openmp"],
    fedora: [],
    macos: [],
  },
  compiler: { why: "a C++ compiler", debian: ["g++"], fedora: ["gcc-c++"], macos: [] },
  make: { why: "make", debian: ["make"], fedora: ["make"], macos: [] },
  cmake: { why: "CMake", debian: ["cmake"], fedora: ["cmake"], macos: ["cmake"] },
};

/** Which build tools are not in PATH. @param {NodeJS.ProcessEnv} env @returns {Need[]} */
export function missingTools(env) {
  const has = (/** @type {string[]} */ ...names) => names.some((name) => findProgram(name, env) !== undefined);
  /** @type {Need[]} */
  const missing = [];
  if (!env.CXX && !has("c++", "g++", "clang++")) missing.push("compiler");
  if (!has("make", "gmake", "ninja")) missing.push("make");
  if (!has("cmake")) missing.push("cmake");
  return missing;
}

/**
 * The words before `apt-get` with which this process may install: none as root, `sudo -n` where that asks for no password;
 * undefined where it may not, or the system is not a Debian.
 * @param {NodeJS.ProcessEnv} env
 * @param {{ osRelease?: string, userId?: number, sudoWorks?: () => boolean }} [machine] for tests; asked of the machine otherwise
 * @returns {string[] | undefined}
 */
export function installerPrefix(env, machine = {}) {
  if (
    env.ADSAM_NO_INSTALL ||
    !isDebian(machine.osRelease ?? readOsRelease()) ||
    findProgram("apt-get", env) === undefined
  ) {
    return undefined;
  }
  if ((machine.userId ?? process.getuid?.()) === 0) return [];
  const sudoWorks = machine.sudoWorks ?? (() => succeeds("sudo", ["-n", "true"], env));
  return findProgram("sudo", env) !== undefined && sudoWorks() ? ["sudo", "-n"] : undefined;
}

/**
 * Installs what is missing from Debian's packages, or stops with the commands that do.
 * @param {Need[]} needs
 * @param {{ root: string, env: NodeJS.ProcessEnv, passedOver: string[] }} context `passedOver`: see libtorch.mjs
 */
export async function provide(needs, { root, env, passedOver }) {
  const prefix = installerPrefix(env);
  if (prefix === undefined) throw new SetupProblem(whatToInstall(needs, passedOver));
  const packages = needs.flatMap((need) => providers[need].debian);
  say(`adsam: needed to build and not found: ${needs.map((need) => providers[need].why).join(", ")}.`);
  say(`adsam: installing from the system's packages: ${packages.join(" ")} (ADSAM_NO_INSTALL=1 forbids it)`);
  requireSpace(needs);

  const log = join(root, "build", "packages.log");
  // the system may ask questions and translate; neither belongs in a log. sudo drops the environment, hence `env`.
  // apt closes the status descriptor for dpkg: were it 1, and no terminal to be had (a chroot without /dev/pts), packages
  // that print would fail. sudo closes those above 2, hence `sh`
  const apt = [
    ...prefix,
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "LC_ALL=C",
    "sh",
    "-c",
    'exec "$0" "$@" 3>&1',
    "apt-get",
    ...["-q", "-o", "APT::Status-Fd=3", "-o", "Dpkg::Use-Pty=0"],
  ];
  await runStep("reading the package lists (apt-get update)", [...apt, "update"], log);
  if (needs.includes("libtorch")) requireCandidate(env, needs, passedOver);
  await runStep("installing packages", [...apt, "install", "-y", "--no-install-recommends", ...packages], log);
}

/**
 * The message where nothing may be installed.
 * @param {Need[]} needs
 * @param {string[]} [passedOver]
 */
export function whatToInstall(needs, passedOver = []) {
  const packages = (/** @type {"debian" | "fedora" | "macos"} */ system) =>
    needs.flatMap((need) => providers[need][system]).join(" ");
  const libtorch = needs.includes("libtorch");
  const lines = [
    `needed to build and not found: ${needs.map((need) => providers[need].why).join(", ")}.`,
    ...passedOver,
  ];
  lines.push(
    "Debian, Ubuntu:",
    "  sudo apt-get update",
    `  sudo apt-get install --no-install-recommends ${packages("debian")}`,
  );
  lines.push("Fedora:");
  if (packages("fedora") !== "") lines.push(`  sudo dnf install ${packages("fedora")}`);
  if (libtorch) lines.push("  and torch through pip, below");
  lines.push("macOS:");
  if (needs.includes("compiler") || needs.includes("make")) lines.push("  xcode-select --install");
  if (packages("macos") !== "") lines.push(`  brew install ${packages("macos")}`);
  if (libtorch) {
    lines.push("  and torch through pip, below");
    lines.push(
      "libtorch from pip, on any system, without root (here without CUDA; leave --index-url out to have it with CUDA):",
    );
    lines.push("  python3 -m venv .venv && . .venv/bin/activate");
    lines.push("  pip install torch --index-url https://download.pytorch.org/whl/cpu");
    lines.push("Or unpack libtorch from https://pytorch.org anywhere and set LIBTORCH to that folder.");
  }
  return `${lines.join("\n")}\nThen run the same command again.`;
}

/** @param {Need[]} needs */
function requireSpace(needs) {
  const wanted = needs.includes("libtorch") ? 2.0e9 : 0.5e9; // libtorch and what it needs: 312 MB of archives, 1.3 GB unpacked
  const { bavail, bsize } = statfsSync("/usr");
  if (bavail * bsize >= wanted) return;
  throw new SetupProblem(
    `the packages need ${(wanted / 1e9).toFixed(1)} GB on the disk of /usr; found ${((bavail * bsize) / 1e9).toFixed(1)} GB free. Make room and run it again.`,
  );
}

/**
 * Stops where this release has no libtorch-dev, or one that is too old: Ubuntu 22.04 has 1.8.
 * @param {NodeJS.ProcessEnv} env
 * @param {Need[]} needs
 * @param {string[]} passedOver
 */
function requireCandidate(env, needs, passedOver) {
  const policy = execFileSync("apt-cache", ["policy", "libtorch-dev"], {
    env: { ...env, LC_ALL: "C" },
    encoding: "utf8",
  });
  const candidate = /Candidate: (.+)/.exec(policy)?.[1] ?? "(none)";
  if (candidate !== "(none)" && isAtLeast(candidate, oldestVersion)) return;
  const found = `this release's libtorch-dev: found ${candidate}, expected ${oldestVersion} or newer; the way through pip, below, works here.`;
  throw new SetupProblem(whatToInstall(needs, [...passedOver, found]));
}

/** @param {string} title @param {string[]} words @param {string} log */
async function runStep(title, words, log) {
  const step = startStep(title);
  const onLine = (/** @type {string} */ line) => {
    const status = /^(?:dl|pm)status:[^:]*:([\d.]+):(.*)/.exec(line);
    if (status !== null) step.update(`${Math.round(Number(status[1]))} % ${status[2]}`);
    if (/^(Need to get|After this operation)/.test(line)) say(`adsam: ${line}`);
  };
  const { code, lines } = await run(words, { log, onLine });
  if (code === 0) return step.done();
  step.failed();
  const shown = lines.filter((line) => !/^(dl|pm)status:/.test(line)).slice(-15);
  throw new SetupProblem(
    `${words.slice(words.indexOf("apt-get")).join(" ")} ended with ${code} (${log}):\n${indent(shown)}`,
  );
}

function readOsRelease() {
  return existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
}

/** @param {string} osRelease text of /etc/os-release */
function isDebian(osRelease) {
  return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(osRelease);
}

/** @param {string} program @param {string[]} args @param {NodeJS.ProcessEnv} env */
function succeeds(program, args, env) {
  try {
    execFileSync(program, args, { env, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

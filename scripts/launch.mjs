// @ts-check
/**
 * Called by `./adsam` before every command. Checks with a few hundred `stat` calls that everything is set up, mends what is not
 * (see setup/prepare.mjs), and prints the command to become: environment assignments, node, script, one a line.
 * Nothing but Node's own modules is imported here or below: it runs before `npm ci` and before anything is compiled.
 */

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 9)) {
  process.stderr.write(
    `adsam: Node.js ${process.versions.node} (${process.execPath}) is too old; version 20.9 or newer is needed.\n` +
      "  Debian, Ubuntu:  curl -fsSL https://deb.nodesource.com/setup_22.x | sudo -E bash - && sudo apt-get install nodejs\n" +
      "  Fedora:          sudo dnf install nodejs\n" +
      "  macOS:           brew install node\n",
  );
  process.exit(1);
}

const { dirname, join } = await import("node:path");
const { fileURLToPath } = await import("node:url");
const { whatIsStale } = await import("./setup/stamps.mjs");
const { commandEnvironment } = await import("./setup/environment.mjs");

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const command = args[0] ?? "--help";

/** Commands that load no tensor: they work, and explain, before there is a libtorch. */
const needsNative = !(
  ["--help", "-h", "help", "--version", "-V", "doctor"].includes(command) ||
  args.some((arg) => arg === "--help" || arg === "-h")
);

try {
  const needed = needsNative ? ["npm", "native", "types"] : ["npm", "types"];
  const stale = whatIsStale(root, process.env).filter((step) => needed.includes(step));
  if (stale.length > 0) {
    const { prepare } = await import("./setup/prepare.mjs");
    await prepare(root, { needsNative });
  }
} catch (error) {
  const { SetupProblem } = await import("./setup/problem.mjs");
  if (!(error instanceof SetupProblem)) throw error;
  process.stderr.write(`adsam: ${error.message}\n`);
  process.exit(1);
}

/** The tests are no part of the command line. */
const script = command === "test" ? "scripts/test.mjs" : "packages/adsam/dist/src/cli/main.js";
process.stdout.write([...commandEnvironment(process.env), process.execPath, join(root, script)].join("\n"));

// @ts-check
import { relative, resolve } from "node:path";

/**
 * Gathers the events of Node's test runner into what a person wants to read: one line a file as it ends; then the skipped tests
 * with their reasons, the slowest files, the failed tests with their differences, and the closing line `N passed, N failed`.
 *
 * @typedef {{ code?: string, failureType?: string, cause?: unknown, exitCode?: number, signal?: string, message?: string }} TestError
 * @typedef {object} EventData
 * @property {string} [name]
 * @property {string} [file]
 * @property {number} [nesting]
 * @property {string | boolean} [skip]
 * @property {string | boolean} [todo]
 * @property {string} [message]
 * @property {{ duration_ms: number, type?: string, error?: TestError }} [details]
 *
 * @typedef {{ file: string, name: string, error: TestError | undefined }} Failure
 * @typedef {{ ms: number, error?: TestError, tests: number, output: string[] }} FileRecord
 */
export class Report {
  #root;
  #write;
  #isFiltered;
  passed = 0;
  /** @type {Failure[]} */
  failures = [];
  /** @type {{ file: string, name: string, reason: string }[]} */
  skipped = [];
  /** @type {Map<string, FileRecord>} */
  #files = new Map();
  /** @type {string[]} names of the suites and tests around the present one */
  #path = [];

  /**
   * @param {string} root of the repository
   * @param {{ write?: (line: string) => void, isFiltered?: boolean }} [options] `isFiltered`: tests are picked by name, so a file
   *   may end without one
   */
  constructor(root, { write = console.log, isFiltered = false } = {}) {
    this.#root = root;
    this.#write = write;
    this.#isFiltered = isFiltered;
  }

  get isGood() {
    return this.failures.length === 0 && this.passed > 0;
  }

  /** The source a test file was compiled from, relative to the repository. @param {string} file */
  sourceOf(file) {
    const path = relative(this.#root, file);
    return /\bdist\/test\//.test(path) ? path.replace("dist/test/", "test/").replace(/\.js$/, ".ts") : path;
  }

  /** @param {{ type: string, data?: unknown }} event of the stream that `run` of node:test returns */
  take({ type, data: untyped }) {
    const data = /** @type {EventData} */ (untyped ?? {});
    const isFile = data.name !== undefined && resolve(data.name) === resolve(data.file ?? "");
    const file = this.sourceOf(data.file ?? ""); // with source maps the runner names now the .js file, now the .ts
    if (type === "test:stdout" || type === "test:stderr") this.#record(file).output.push(data.message ?? "");
    if (type === "test:complete" && isFile) this.#endFile(file, data);
    if (isFile) return; // what a file's own event says is drawn when all are in: a crash after the last test counts too
    if (type === "test:start") this.#path[data.nesting ?? 0] = data.name ?? "";
    if (type === "test:pass" || type === "test:fail") this.#endTest(type === "test:pass", file, data);
  }

  /** @param {string} file @param {EventData} data */
  #endFile(file, data) {
    const record = this.#record(file);
    record.ms = data.details?.duration_ms ?? 0;
    record.error = data.details?.error;
    this.#write(`${record.error ? "FAILED" : "    ok"} ${seconds(record.ms)}  ${file}`);
  }

  /** @param {boolean} passed @param {string} file @param {EventData} data */
  #endTest(passed, file, data) {
    const nesting = data.nesting ?? 0;
    const name = [...this.#path.slice(0, nesting), data.name].join(" > ");
    const record = this.#record(file);
    record.tests += 1;
    const isSuite = data.details?.type === "suite";
    const error = data.details?.error;
    if (data.skip !== undefined && data.skip !== false) {
      if (data.skip === "test name does not match pattern") return; // left out by --name, not skipped
      const reason = typeof data.skip === "string" && data.skip !== "" ? data.skip : "no reason given";
      this.skipped.push({ file, name, reason });
    } else if (data.todo !== undefined && data.todo !== false) {
      this.skipped.push({ file, name, reason: typeof data.todo === "string" ? `to do: ${data.todo}` : "to do" });
    } else if (!passed) {
      if (error?.failureType === "subtestsFailed") return; // the tests inside have been told
      this.failures.push({ file, name, error });
    } else if (!isSuite) {
      this.passed += 1;
    }
  }

  /** The report's last part, to be asked for once, when the stream has ended. @returns {string[]} lines; the last is the count */
  summary() {
    for (const [file, record] of this.#files) this.#judge(file, record);
    const count = `${this.passed} passed, ${this.failures.length} failed`;
    return [
      ...this.#skips(),
      ...this.#slowest(),
      ...this.#failed(),
      "",
      this.skipped.length === 0 ? count : `${count}, ${this.skipped.length} skipped`,
    ];
  }

  /** A file that failed beside its tests (it crashed, hung, could not be loaded), or held none. @param {string} file @param {FileRecord} record */
  #judge(file, record) {
    const told = this.failures.some((failure) => failure.file === file);
    const { error } = record;
    if (error !== undefined && (!told || error.signal || error.failureType === "testTimeoutFailure")) {
      const how = error.signal ? `was ended by ${error.signal}` : `ended with exit code ${error.exitCode ?? "unknown"}`;
      const timeout = error.failureType === "testTimeoutFailure";
      this.failures.push({
        file,
        name: timeout ? "the whole file took too long" : `the process ${how}`,
        error: undefined,
      });
    } else if (error === undefined && record.tests === 0 && !this.#isFiltered) {
      this.failures.push({ file, name: "holds no test", error: undefined });
    }
  }

  *#skips() {
    if (this.skipped.length > 0) yield "\nskipped:";
    for (const { file, name, reason } of this.skipped) yield `  ${file}: ${name} (${reason})`;
  }

  *#slowest() {
    const slow = [...this.#files].filter(([, { ms }]) => ms > 1000).sort(([, a], [, b]) => b.ms - a.ms);
    if (slow.length > 0) yield "\nslowest files:";
    for (const [file, { ms }] of slow.slice(0, 8)) yield `  ${seconds(ms)}  ${file}`;
  }

  *#failed() {
    if (this.failures.length > 0) yield "\nfailed:";
    for (const { file, name, error } of this.failures) {
      yield `  ${file}: ${name}`;
      yield* describe(error).map((line) => `      ${line}`);
    }
    for (const file of new Set(this.failures.map((failure) => failure.file))) {
      const output = this.#record(file).output.join("").trimEnd().split("\n").slice(-40);
      if (output.join("") === "") continue;
      yield `  what ${file} printed last:`;
      yield* output.map((line) => `      ${line}`);
    }
  }

  /** @param {string} file @returns {FileRecord} */
  #record(file) {
    let record = this.#files.get(file);
    if (record === undefined) {
      record = { ms: 0, tests: 0, output: [] };
      this.#files.set(file, record);
    }
    return record;
  }
}

/** The assertion's message with its difference, and where in our files it stands. @param {TestError | undefined} error @returns {string[]} */
function describe(error) {
  if (error === undefined) return [];
  const cause = error.cause ?? error.message;
  if (!(cause instanceof Error)) return String(cause).split("\n");
  const ours = (cause.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line) && !line.includes("node:"));
  return [...cause.message.split("\n"), ...ours.slice(0, 6).map((line) => line.trim())];
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}

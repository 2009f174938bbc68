import type { FetchOptions } from "../weights/fetch.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { exitCodes, type Output } from "./output.js";
import { progressLine } from "./progress-line.js";

interface FetchFlags {
  readonly from?: string;
  readonly json?: true;
}

interface VerifyFlags {
  readonly as?: string;
  readonly json?: true;
}

/** `adsam weights list|fetch|verify`: needs no libtorch. */
export const command: CommandFile = {
  define(weights, output) {
    weights.description(
      "Published weights: what there is, downloads that can be continued, and whether a file is what it should be.\n" +
        "They lie in $ADSAM_CACHE/weights, else $XDG_CACHE_HOME/adsam/weights, else ~/.cache/adsam/weights.",
    );
    weights
      .command("list")
      .summary("the known files: use, size, licence, and what is in the cache")
      .description("Lists the known files. With --json also their addresses, SHA-256 and source pages.")
      .option("--json", "print the result as JSON")
      .action((options: { json?: true }) => list(options.json === true, output));
    weights
      .command("fetch")
      .summary("download a known file into the cache")
      .description(
        "Downloads a known file, goes on where an earlier download stopped, and checks the SHA-256 before the file gets its name. HTTPS_PROXY and NO_PROXY are honoured.",
      )
      .argument("<name>", "one of adsam weights list")
      .option("--from <address>", "a mirror's address of this file; its SHA-256 is checked all the same")
      .option("--json", "print the result as JSON")
      .action((name: string, flags: FetchFlags) => fetchOne(name, flags, output));
    weights
      .command("verify")
      .summary("say which known file a file is; exit code 1 where it is none, or a wrong one")
      .description(
        "Hashes a file and says which known one it is; of any other, what it is by its tensors' names. Exit code 1 where it is none that is known, or not what it should be.",
      )
      .argument("<file>", "a file of weights, in the cache or anywhere")
      .option("--as <name>", "the known file that it should be (default: what its hash or its name says)")
      .option("--json", "print the result as JSON")
      .action((file: string, flags: VerifyFlags) => verify(file, flags, output));
  },
};

async function list(json: boolean, output: Output): Promise<void> {
  const { knownFiles } = await import("../weights/known-files.js");
  const { listing, printListing } = await import("./weights-print.js");
  output.json = json;
  const entries = knownFiles.map(listing);
  output.result(entries, () => printListing(entries, output));
}

async function fetchOne(name: string, { from, json }: FetchFlags, output: Output): Promise<void> {
  const { publishedFile } = await import("../weights/known-files.js");
  const { unknownName } = await import("../weights/cache.js");
  const { fetchWeights } = await import("../weights/fetch.js");
  const { bytesProgress, printFetched, printStopped } = await import("./weights-print.js");
  output.json = json === true;
  const file = publishedFile(name);
  if (file === undefined) throw unknownName(name);
  const signal = stopSignal(output, "keeping what came so far");
  const bar = progressLine(output, `${file.name}, MB`);
  const options: FetchOptions = { address: from, signal, onProgress: bytesProgress(bar), onNote: remark };
  try {
    const fetched = await fetchWeights(file, options);
    bar.end();
    output.result({ name: file.name, ...fetched }, () => printFetched(file, fetched, output));
  } catch (error) {
    if (!signal.aborted) throw error;
    bar.end();
    printStopped(file, from, output);
    process.exitCode = exitCodes.interrupted;
  } finally {
    bar.end();
  }

  function remark(text: string): void {
    bar.end(); // a bar under the cursor would be torn; the next bytes draw it anew
    output.note(text);
  }
}

async function verify(path: string, { as, json }: VerifyFlags, output: Output): Promise<void> {
  const { verifyFile } = await import("../weights/verify.js");
  const { bytesProgress, printVerification } = await import("./weights-print.js");
  output.json = json === true;
  const bar = progressLine(output, "hashing, MB");
  try {
    const result = await verifyFile(path, { as, onProgress: bytesProgress(bar) });
    bar.end();
    output.result({ ...result, known: result.known?.name ?? null, content: result.content ?? null }, () =>
      printVerification(result, output),
    );
    if (result.verdict === "mismatch" || result.verdict === "unknown") process.exitCode = exitCodes.problem;
  } finally {
    bar.end();
  }
}

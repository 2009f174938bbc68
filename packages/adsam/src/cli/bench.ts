import { writeFileSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import type { BenchFlags } from "../bench/options.js";
import { baselineRule, compareWithBaseline } from "../bench/report/baseline.js";
import type { Result } from "../bench/result.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { exitCodes, type Output } from "./output.js";

interface Flags extends BenchFlags {
  readonly list?: true;
  readonly json?: string;
  readonly out?: string;
  readonly baseline?: string;
}

/** `adsam bench [work…]` */
export const command: CommandFile = {
  define(bench, output) {
    bench
      .description(
        "Measures this project's works on this machine, beside its peers where they are there: PyTorch with torchvision, ONNX Runtime, PIL, " +
          "NumPy. Same weights, same inputs, outputs compared first, sides turn by turn; medians, spreads, ratios, peak memory, and the " +
          "roofline: what the arithmetic and the bytes of a work take at this machine's best rates.",
      )
      .argument("[works...]", "works or groups, such as ad-sam, sam-vit-b, pictures (default: all; --list names them)")
      .option("--list", "name the works, what they are compared with and what is wanted, and stop")
      .option("--quick", "small sizes and one turn, to see that all works and agrees")
      .option("--sizes <list>", "pixels a side for works that take any square picture, such as 512,1024")
      .option("--batch <integer>", "pictures at once", "1")
      .option("--threads <integer>", "of each side (default: all cores)")
      .option(
        "--repeats <integer>",
        "measured turns of each side, after one that is not; short works take more (default: 3)",
      )
      .option("--budget <seconds>", "what the turns of one work may take; long works take fewer, one at least", "240")
      .option("--device <name>", "cpu or cuda", "cpu")
      .option("--dtype <name>", "of this project's side: float32 or bfloat16 (default: each work's own)")
      .option("--peers <list>", "pytorch, onnxruntime, pillow, numpy; all; none (default: those found)")
      .option("--python <path>", "a Python with the peers' packages")
      .option("--same-environment", "give the peers this project's settings for malloc and OpenBLAS too")
      .option("--growth", "measure instead how time grows with size, threads and batch")
      .option("--json <file>", "write the result as JSON")
      .option(
        "--out <folder>",
        "write performance.json and performance.md; works not measured now stay as they are there",
      )
      .option(
        "--baseline <file>",
        `compare with an earlier result; exit code 1 where a row has regressed. ${baselineRule}`,
      )
      .action((works: string[], flags: Flags) => run(works, flags, output));
  },
};

async function run(works: readonly string[], flags: Flags, output: Output): Promise<void> {
  const { readBenchOptions } = await import("../bench/options.js");
  const { catalogue, choose } = await import("../bench/catalogue/catalogue.js");
  const print = await import("./bench-print.js");
  const options = readBenchOptions(works, flags, commandLine());
  const all = catalogue(options);
  if (flags.list) return print.printList(choose(all, works), output);
  const { runBench } = await import("../bench/run.js");
  const { checkFolder, readResult, writeResult } = await import("../bench/report/files.js");
  const baseline = flags.baseline === undefined ? undefined : readResult(flags.baseline);
  const { describeMachine } = await import("../bench/machine.js");
  if (flags.out !== undefined) checkFolder(flags.out, describeMachine(options.threads));
  const ids = catalogue({ ...options, sizes: undefined }).map(({ id }) => id);
  const keep = (result: Result) => {
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(result, undefined, 2)}\n`);
    if (flags.out !== undefined) writeResult(flags.out, result, ids);
  };
  const signal = stopSignal(output, "ending the works at hand, keeping what was measured");
  const tell = (line: string) => output.note(line);
  const warn = (line: string) => output.warning(line);
  const result = await runBench(options, { tell, warn, measured: keep }, signal);
  keep(result);
  print.printResult(result, output);
  const verdict = baseline && compareWithBaseline(result, baseline);
  if (verdict) print.printVerdict(verdict, output);
  if (signal.aborted) process.exitCode = exitCodes.interrupted;
  const worse = verdict?.lines.filter(({ regressed }) => regressed) ?? [];
  if (worse.length > 0)
    throw new Problem({
      what: `baseline "${flags.baseline}"`,
      found: `${worse.length} of ${verdict!.lines.length} rows worse beyond the noise`,
      expected: "none",
    });
  if (result.failures.length > 0) process.exitCode = exitCodes.problem;
}

/** How the command was typed; in the repository npm's script is the shorter way. */
function commandLine(): string {
  const words = process.argv.slice(process.argv.indexOf("bench") + 1);
  const typed = words.map((word) => (/^[\w./,=+:-]+$/.test(word) ? word : `'${word}'`)).join(" ");
  const isScript = process.env.npm_lifecycle_event === "bench";
  return `${isScript ? "npm run bench" : "adsam bench"}${typed === "" ? "" : isScript ? ` -- ${typed}` : ` ${typed}`}`;
}

import { spawnSync } from "node:child_process";
import type { EngineInfo } from "../doctor/facts.js";
import type { CommandFile } from "./command.js";
import { exitCodes, type Output } from "./output.js";

/** `adsam doctor`: what the project stands on, and what to do about each shortfall. */
export const command: CommandFile = {
  define(doctor, output) {
    doctor
      .description(
        "Looks at Node, compiler, libtorch, BLAS, threads, CUDA and memory, and says what to do about each shortfall.",
      )
      .option("--json", "print the result as JSON")
      .action((options: { json?: true }) => examine(options.json === true, output));
  },
};

async function examine(json: boolean, output: Output): Promise<void> {
  const { gatherReport } = await import("../doctor/report.js");
  const { formatDoctor } = await import("../doctor/format.js");
  output.json = json;
  const first = await gatherReport();
  const isBuilt = first.facts.some(({ key, status }) => key === "native" && status === "ok");
  const report = isBuilt ? await gatherReport(askEngine()) : first;
  output.result(report, () => output.line(coloured(formatDoctor(report), output)));
  if (!report.ok) process.exitCode = exitCodes.problem;
}

/** Asks the engine in a process of its own: a libtorch that does not suit this CPU dies at loading, and the report should still come. */
function askEngine(): { engine: EngineInfo } | { engineError: string } {
  const program = `
    const paths = ${JSON.stringify(["@adsam/torch/threads", "@adsam/kernels/cpu-kernels"].map((name) => import.meta.resolve(name)))};
    Promise.all(paths.map((path) => import(path))).then(([{ buildInfo }, { cpuKernels }]) =>
      console.log(JSON.stringify({ engine: { ...buildInfo(), kernels: cpuKernels() } })),
    ).catch((error) => console.log(JSON.stringify({ engineError: error.message })));`;
  const { stdout, signal, status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    timeout: 120_000,
  });
  try {
    return JSON.parse(stdout);
  } catch {
    const last = stderr.trim().split("\n").at(-1) ?? "";
    return { engineError: `the process ended with ${signal ?? `code ${status}`}${last === "" ? "" : ` (${last})`}` };
  }
}

function coloured(text: string, { colours }: Output): string {
  const { dim, green, red, yellow } = colours;
  return text
    .replace(/^ok {2}/gm, green("ok  "))
    .replace(/^warn/gm, yellow("warn"))
    .replace(/^FAIL/gm, red("FAIL"))
    .replace(/^( +)(-> .*)$/gm, (_, blanks: string, todo: string) => blanks + dim(todo));
}

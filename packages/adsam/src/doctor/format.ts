import type { DoctorReport } from "./report.js";

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** The report as text: one line a fact, what to do below it, a closing sentence. No line ends with a newline of its own. */
export function formatDoctor({ facts, ok }: DoctorReport): string {
  const width = Math.max(...facts.map((fact) => fact.title.length));
  const lines = facts.flatMap(({ status, title, found, todo }) => [
    `${marks[status]}  ${title.padEnd(width)}  ${found}`,
    ...(todo === undefined ? [] : [`      ${" ".repeat(width)}  -> ${todo}`]),
  ]);
  const count = (status: string) => facts.filter((fact) => fact.status === status).length;
  const verdict = ok
    ? count("warn") === 0
      ? "Everything is there."
      : `Everything needed is there; ${count("warn")} could be better.`
    : `${count("fail")} to mend before commands that need it can run.`;
  return [...lines, "", verdict].join("\n");
}

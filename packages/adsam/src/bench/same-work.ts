import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Problem } from "@adsam/torch/problem";
import { type Agreement, difference, type ReadOutput, readOutput, refusal, worstNumber } from "./agreement.js";
import type { Comparison } from "./catalogue/comparison.js";
import type { Started } from "./compare.js";
import { peerTitles } from "./sides/peers.js";

/** Two sides, by key, that do not compute the same. */
export interface Disagreement {
  readonly ours: string;
  readonly peer: string;
  readonly problem: Problem;
}

/** What holding the sides' outputs against each other gave. */
export interface SameWork {
  readonly agreements: Agreement[];
  readonly disagreements: Disagreement[];
}

/** Holds what came out of the first turn against what came out of the peers'. */
export async function outputsAgree(
  comparison: Comparison,
  sides: readonly Started[],
  tell: (line: string) => void,
): Promise<SameWork> {
  const so: SameWork = { agreements: [], disagreements: [] };
  const folder = mkdtempSync(join(tmpdir(), "adsam-bench-"));
  const outputs = new Map<string, ReadOutput>();
  const outputOf = async (key: string): Promise<ReadOutput | undefined> => {
    const one = sides.find((side) => side.key === key);
    if (!one) return undefined;
    const path = join(folder, key);
    const read = outputs.get(key) ?? readOutput(await one.side.output(path), path);
    outputs.set(key, read);
    return read;
  };
  try {
    for (const { ours, peer, rules } of comparison.agreements) {
      const [a, b] = [await outputOf(ours), await outputOf(peer)];
      if (!a || !b) continue;
      for (const rule of rules) judge(comparison, { ours, peer, ...rule, ...difference(a, b, rule) }, so, tell);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return so;
}

/**
 * What the sides said in every turn, the first included: losses, relative.
 * @param worst the largest difference of each pair in the turns, by `ours peer`
 */
export function lossesAgree(
  comparison: Comparison,
  sides: readonly Started[],
  worst: ReadonlyMap<string, number>,
  tell: (line: string) => void,
): SameWork {
  const so: SameWork = { agreements: [], disagreements: [] };
  for (const { ours, peer } of comparison.agreements) {
    const [a, b] = [ours, peer].map((key) => sides.find((side) => side.key === key)?.first.numbers);
    if (!a || !b || Object.keys({ ...a, ...b }).length === 0) continue;
    const first = worstNumber(a, b);
    const found = Math.max(first.difference, worst.get(`${ours} ${peer}`) ?? 0);
    const limit = comparison.sides[ours]!.order.dtype === "bfloat16" ? 0.05 : 1e-3;
    const what = "loss of every turn, relative";
    judge(comparison, { ours, peer, what, difference: found, limit, worst: first.worst }, so, tell);
  }
  return so;
}

interface Judged {
  readonly ours: string;
  readonly peer: string;
  readonly what: string;
  readonly difference: number;
  readonly limit: number;
  readonly worst: string;
}

function judge(comparison: Comparison, judged: Judged, so: SameWork, tell: (line: string) => void): void {
  const { ours, peer, what, difference, limit, worst } = judged;
  const agreement = { ...pairOf(comparison, ours, peer), what, difference, limit };
  const problem = refusal(agreement, worst);
  if (problem) so.disagreements.push({ ours, peer, problem });
  else so.agreements.push(agreement);
  tell(`${comparison.id}, ${agreement.peer}: ${what} ${difference.toExponential(1)}, at most ${limit}`);
}

function pairOf({ id, rows, sides }: Comparison, ours: string, peer: string): Pick<Agreement, "work" | "peer" | "id"> {
  const { who } = sides[peer]!;
  const row = rows.find((one) => one.ours === ours && one.peer === peer) ?? rows.find((one) => one.ours === ours);
  return { id, work: row?.work ?? id, peer: who === "ours" ? "AD-SAM" : peerTitles[who] };
}

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@adsam/torch/problem";
import type { Agreement, Row } from "./result.js";
import { type Order, Side, type SideCommand } from "./side.js";
import { summary } from "./statistics.js";

export interface Comparison {
  readonly rows: readonly Row[];
  readonly agreements: readonly Agreement[];
  readonly versions: { readonly ours: string; readonly theirs: string };
}

/** Largest differences accepted; those of the golden files. Logits: times max(1, the largest one). Others: relative. */
const limits = { logits: 1e-4, loss: 1e-3, gradients: 1e-3 } as const;

const titles = { forward: "evaluation forward", step: "training step" } as const;

/**
 * Starts both sides, lets each do the work once, compares what came out, and then measures them turn by turn.
 * @throws Problem where the two do not compute the same
 */
export async function compare(
  order: Order,
  { ours, theirs, repeats }: { readonly ours: SideCommand; readonly theirs: SideCommand; readonly repeats: number },
  tell: (line: string) => void,
): Promise<Comparison> {
  const work = `${titles[order.work]}, ${order.size}×${order.size}`;
  const started = [await Side.start(ours, order), await Side.start(theirs, order)] as const;
  const [a, b] = [started[0].side, started[1].side];
  try {
    const first = [await a.run(), await b.run()] as const;
    const agreements = order.work === "forward" ? [await logitsAgree(a, b, work)] : [await gradientsAgree(a, b, work)];
    for (const agreement of agreements) confirm(agreement, tell);
    const seconds = { ours: [] as number[], theirs: [] as number[] };
    let lossDifference = lossesDiffer(first[0].loss, first[1].loss);
    for (let turn = 0; turn < repeats; turn++) {
      // Whoever begins finds the machine as the other left it: they take turns in that too.
      const [one, other] = turn % 2 === 0 ? ([a, b] as const) : ([b, a] as const);
      const [oneRun, otherRun] = [await one.run(), await other.run()];
      const [our, their] = turn % 2 === 0 ? [oneRun, otherRun] : [otherRun, oneRun];
      seconds.ours.push(our.seconds);
      seconds.theirs.push(their.seconds);
      lossDifference = Math.max(lossDifference, lossesDiffer(our.loss, their.loss));
      tell(`${work}, ${turn + 1} of ${repeats}: ${our.seconds.toFixed(2)} s, ${b.name} ${their.seconds.toFixed(2)} s`);
    }
    if (order.work === "step") {
      const what = `loss of ${repeats + 1} steps, relative`;
      agreements.push({ work, what, difference: lossDifference, limit: limits.loss });
      confirm(agreements.at(-1)!, tell);
    }
    const rows = [row(work, b.name, "s", seconds)];
    const [our, their] = [a.peakBytes(), b.peakBytes()];
    if (our !== undefined && their !== undefined)
      rows.push(row(`${work}, peak memory`, b.name, "GB", { ours: [our / 1e9], theirs: [their / 1e9] }));
    return {
      rows,
      agreements,
      versions: { ours: started[0].version, theirs: started[1].version },
    };
  } finally {
    await Promise.all([a.end(), b.end()]);
  }
}

function row(
  work: string,
  peer: string,
  unit: Row["unit"],
  values: { readonly ours: readonly number[]; readonly theirs: readonly number[] },
): Row {
  const [own, other] = [summary(values.ours), summary(values.theirs)];
  const spread = { ours: own.range, theirs: other.range };
  return {
    work,
    peer,
    ratio: own.median / other.median,
    ours: own.median,
    theirs: other.median,
    unit,
    limit: 1,
    n: own.n,
    spread,
  };
}

async function logitsAgree(a: Side, b: Side, work: string): Promise<Agreement> {
  const folder = mkdtempSync(join(tmpdir(), "adsam-bench-"));
  try {
    const [ours, theirs] = await Promise.all([a, b].map((side, i) => logitsOf(side, join(folder, `${i}.f32`))));
    if (ours!.length !== theirs!.length)
      throw new Problem({ what: work, found: `${ours!.length} logits`, expected: `${theirs!.length}, as ${b.name}` });
    let [difference, largest] = [0, 1];
    for (let i = 0; i < ours!.length; i++) {
      difference = Math.max(difference, Math.abs(ours![i]! - theirs![i]!)); // NaN stays NaN
      if (Math.abs(theirs![i]!) > largest) largest = Math.abs(theirs![i]!);
    }
    return { work, what: "logits, largest difference", difference, limit: limits.logits * largest };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function logitsOf(side: Side, path: string): Promise<Float32Array> {
  await side.writeOutput(path);
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

async function gradientsAgree(a: Side, b: Side, work: string): Promise<Agreement> {
  const [ours, theirs] = [await a.gradientNorms(), await b.gradientNorms()];
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  let worst = { name: "none", difference: 0 };
  for (const name of names) {
    const [our = Number.NaN, their = Number.NaN] = [ours[name], theirs[name]]; // one side may not have it
    const relative = Math.abs(our - their) / Math.max(their, 1e-12);
    const difference = Number.isNaN(relative) ? Number.POSITIVE_INFINITY : relative;
    if (difference > worst.difference) worst = { name, difference };
  }
  return {
    work,
    what: `gradient norms of ${names.length} parameters, relative (worst: ${worst.name})`,
    difference: worst.difference,
    limit: limits.gradients,
  };
}

const lossesDiffer = (ours: number | null, theirs: number | null) =>
  ours === null || theirs === null ? 0 : Math.abs(ours - theirs) / Math.abs(theirs);

/** @throws Problem for a difference over its limit */
function confirm({ work, what, difference, limit }: Agreement, tell: (line: string) => void): void {
  if (!(difference <= limit))
    throw new Problem({
      what: `${work}: ${what}`,
      found: `${difference}`,
      expected: `at most ${limit.toPrecision(2)}: what is timed must be the same work`,
    });
  tell(`${work}: ${what} ${difference.toExponential(1)}, at most ${limit.toExponential(1)}`);
}

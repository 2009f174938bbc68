import { Problem } from "@adsam/torch/problem";
import { adSamComparisons } from "./ad-sam.js";
import type { CatalogueOptions, Comparison, RowPlan } from "./comparison.js";
import { dataComparisons } from "./data.js";
import { encoderComparisons } from "./encoders.js";
import { operatorComparisons } from "./operators.js";

/** Every work, in the order of the table. */
export function catalogue(options: CatalogueOptions): readonly Comparison[] {
  const all = [
    ...adSamComparisons(options),
    ...operatorComparisons(options),
    ...encoderComparisons(options),
    ...dataComparisons(options),
  ];
  const { quick, batch, device, dtype = "float32" } = options;
  const changes = [
    quick && "quick",
    batch > 1 && `batch-${batch}`,
    device !== "cpu" && device,
    dtype !== "float32" && dtype,
  ];
  const suffix = changes.filter((change) => change !== false).map((change) => `-${change}`);
  return suffix.length === 0 ? all : all.map((one) => changed(one, suffix.join("")));
}

/** A work under other conditions: another line of the table, without the targets, which are those of one picture on the CPU. */
function changed(comparison: Comparison, suffix: string): Comparison {
  const rows = comparison.rows.map(({ target: _, memory, ...row }) => ({ ...row, ...(memory && { memory: {} }) }));
  const one = { ...comparison, id: `${comparison.id}${suffix}`, rows };
  return Object.values(one.sides).some(({ order }) => order.device !== "cpu") ? onGpu(one) : one;
}

/** Memory is the process's, not the GPU's, and ONNX Runtime's package computes on the CPU alone: both are left out. */
function onGpu(comparison: Comparison): Comparison {
  const isOut = (key: string | undefined) => key !== undefined && comparison.sides[key]!.who === "onnxruntime";
  const rows = comparison.rows
    .map(({ memory: _, peer, ...row }) => (peer === undefined || isOut(peer) ? row : { ...row, peer }) as RowPlan)
    .filter((row, i, all) => row.peer !== undefined || all.findIndex(({ work }) => work === row.work) === i);
  const sides = Object.fromEntries(Object.entries(comparison.sides).filter(([key]) => !isOut(key)));
  const { needs, ...rest } = comparison;
  const agreements = comparison.agreements.filter(({ peer }) => !isOut(peer));
  return { ...rest, rows, sides, agreements, ...(needs === "pictures" && { needs }) };
}

/**
 * The works that are asked for, in the order of the table: by name, by the beginning of a name (`ad-sam-step`) or by group.
 * @param wanted empty: all of them
 * @throws Problem for a name that fits none
 */
export function choose(all: readonly Comparison[], wanted: readonly string[]): readonly Comparison[] {
  const fits = ({ id, group }: Comparison, name: string) => id === name || group === name || id.startsWith(`${name}-`);
  for (const name of wanted)
    if (!all.some((one) => fits(one, name)))
      throw new Problem({
        what: "the benchmark's works",
        found: `"${name}"`,
        expected: `groups ${[...new Set(all.map(({ group }) => group))].join(", ")}, or works ${all.map(({ id }) => id).join(", ")}`,
        todo: "`adsam bench --list` says what each is.",
      });
  return wanted.length === 0 ? all : all.filter((one) => wanted.some((name) => fits(one, name)));
}

import { existsSync } from "node:fs";
import { readCsvLog } from "../train/csv-log.js";
import type { CurvePoint } from "./run-report.js";

/** The learning curves of a run, resumed or not, from the CSV log it kept; none where there is no log. */
export function curvePoints(csvLog: string): CurvePoint[] {
  if (!existsSync(csvLog)) return [];
  return readCsvLog(csvLog).flatMap((row) => {
    const { epoch, loss } = row;
    if (epoch == null || loss == null) return [];
    return {
      epoch,
      trainLoss: loss,
      lossParts: under("loss.", row),
      valMIoU: row.valMIoU ?? null,
      learningRates: under("lr.", row),
    };
  });
}

/** The columns that begin with `prefix`, without it. */
function under(prefix: string, row: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([column, value]) =>
      column.startsWith(prefix) && value !== null ? [[column.slice(prefix.length), value]] : [],
    ),
  );
}

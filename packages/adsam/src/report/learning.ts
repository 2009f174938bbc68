import { chartCard } from "./chart-card.js";
import { type Curve, drawCurves } from "./curves.js";
import { type Html, html } from "./html.js";
import { percent } from "./numbers.js";
import type { CurvePoint } from "./run-report.js";

const width = 370;
const height = 230;

/** Validation mIoU, training loss with its terms, and learning rates, over the epochs. */
export function learningCurves(points: readonly CurvePoint[]): Html {
  return html`<div class="charts">${[mIoUChart(points), lossChart(points), rateChart(points)]}</div>`;
}

function mIoUChart(points: readonly CurvePoint[]): Html | null {
  const scored = points.flatMap(({ epoch, valMIoU }) => (valMIoU === null ? [] : [{ epoch, valMIoU }]));
  if (scored.length === 0) return null;
  const best = scored.reduce((top, point) => (point.valMIoU > top.valMIoU ? point : top));
  const curves: Curve[] = [
    { name: "validation split", colour: 0, points: points.map(({ epoch, valMIoU }) => [epoch, valMIoU]) },
  ];
  const label = `Validation mIoU over ${points.length} epochs; best ${percent(best.valMIoU)} in epoch ${best.epoch}`;
  const peak = { x: best.epoch, y: best.valMIoU, text: percent(best.valMIoU) };
  const title = `Validation mIoU, best in epoch ${best.epoch}`;
  return chartCard({ title, curves, drawing: drawCurves({ label, curves, y: "percent", width, height, peak }) });
}

function lossChart(points: readonly CurvePoint[]): Html {
  const parts = Object.keys(points[0]?.lossParts ?? {});
  const looks = ["solid", "dashed", "dotted"] as const;
  const curves: Curve[] = [
    { name: "total", colour: 0, points: points.map(({ epoch, trainLoss }) => [epoch, trainLoss]) },
    ...parts.map((part, i) => ({
      name: part,
      colour: [1, 2, 3, 6, 4, 5][i % 6]!,
      dash: looks[(i + 1) % 3]!,
      thin: true,
      points: points.map(({ epoch, lossParts }) => [epoch, lossParts[part] ?? null] as const),
    })),
  ];
  const label = `Training loss over ${points.length} epochs, from ${points[0]?.trainLoss.toFixed(3)} to ${points.at(-1)?.trainLoss.toFixed(3)}`;
  const drawing = drawCurves({ label, curves, y: "number", width, height });
  return chartCard({ title: "Training loss and its terms", curves, drawing });
}

function rateChart(points: readonly CurvePoint[]): Html {
  const groups = Object.keys(points[0]?.learningRates ?? {});
  const looks = ["solid", "dashed", "dotted"] as const;
  const curves: Curve[] = groups.map((group, i) => ({
    name: group,
    colour: [0, 1, 2, 3, 4, 5][i % 6]!,
    dash: looks[i % 3]!,
    points: points.map(({ epoch, learningRates }) => [epoch, learningRates[group] ?? null]),
  }));
  const label = `Learning rate over ${points.length} epochs`;
  return chartCard({ title: "Learning rate", curves, drawing: drawCurves({ label, curves, y: "log", width, height }) });
}

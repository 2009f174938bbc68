import { type Html, html, raw } from "./html.js";
import type { ClassScore, EvaluationReport } from "./run-report.js";

/** What each class was taken for, folded away; nothing where the evaluation has no matrix. */
export function confusionDetails({ dataset, split, perClass, confusion }: EvaluationReport): Html | null {
  if (confusion === undefined) return null;
  return html`<details class="card"><summary>What was taken for what: ${dataset}, ${split}</summary><div class="inner">
<p class="lead">Each row is a labelled class; its cells say, in per cent, as what its pixels were predicted. Cells under 1 % are left empty.</p>
${raw(confusionDrawing(perClass, confusion))}
</div></details>`;
}

/** The confusion matrix, each row divided by its sum. */
function confusionDrawing(perClass: readonly ClassScore[], counts: readonly number[]): string {
  const classes = perClass.length;
  const [cell, left, top] = [34, 104, 96];
  const side = classes * cell;
  const pieces: string[] = [];
  for (let row = 0; row < classes; row++) {
    const cells = counts.slice(row * classes, (row + 1) * classes);
    const sum = cells.reduce((total, count) => total + count, 0);
    const y = top + row * cell;
    pieces.push(
      html`<text x="${left - 8}" y="${y + cell / 2 + 4}" text-anchor="end">${perClass[row]?.name}</text>`.toString(),
    );
    const x = left + row * cell + cell / 2 + 4;
    pieces.push(
      html`<text transform="translate(${x} ${top - 8}) rotate(-55)">${perClass[row]?.name}</text>`.toString(),
    );
    cells.forEach((count, column) => {
      const share = sum === 0 ? 0 : count / sum;
      if (share < 0.01) return;
      const [cx, cy] = [left + column * cell, y];
      pieces.push(
        `<rect x="${cx + 1}" y="${cy + 1}" width="${cell - 2}" height="${cell - 2}" rx="4" fill="var(--${column === row ? "accent" : "series-1"})" fill-opacity="${(0.08 + 0.47 * share).toFixed(2)}"/>`,
        `<text class="on" x="${cx + cell / 2}" y="${cy + cell / 2 + 4}" text-anchor="middle">${Math.round(100 * share)}</text>`,
      );
    });
  }
  const grid = `<rect x="${left}" y="${top}" width="${side}" height="${side}" rx="6" fill="none" stroke="var(--line)"/>`;
  return `<svg class="confusion" viewBox="0 0 ${left + side + 60} ${top + side + 4}" role="img" aria-label="Confusion matrix">${grid}${pieces.join("")}</svg>`;
}

import { type Html, html, raw } from "./html.js";
import { percent } from "./numbers.js";
import type { ClassScore, EvaluationReport } from "./run-report.js";

/** A square in the class's own colour. */
export function swatch([red, green, blue]: ClassScore["colour"]): Html {
  return html`<span class="swatch" style="background:rgb(${red} ${green} ${blue})"></span>`;
}

/** One evaluation: its score, the IoU of each class as a number and a bar, and what share of the pixels the class has. */
export function classTable(evaluation: EvaluationReport): Html {
  const { dataset, split, pictures, mIoU, pixelAccuracy, perClass, confusion } = evaluation;
  return html`<section class="card evaluation">
<h3>${dataset}, ${split}</h3>
<p class="score"><b>${percent(mIoU)}</b> mIoU · <b>${percent(pixelAccuracy)}</b> pixel accuracy · ${pictures} ${pictures === 1 ? "picture" : "pictures"}</p>
<table>
<thead><tr><th scope="col">Class</th><th scope="col" colspan="2">IoU</th><th scope="col" class="number">Pixels</th></tr></thead>
<tbody>
${perClass.map(classRow)}
</tbody>
</table>
${confusion === undefined ? null : confusionDetails(evaluation, confusion)}
</section>`;
}

function classRow({ name, colour, iou, share }: ClassScore): Html {
  const bar = iou === null ? null : html`<i style="width:${(100 * iou).toFixed(1)}%"></i>`;
  const absent = iou === null ? raw(' class="absent" title="neither labelled nor predicted"') : null;
  return html`<tr${absent}><td class="name"><span>${swatch(colour)}${name}</span></td><td class="bar"><span class="track">${bar}</span></td><td class="number">${iou === null ? "absent" : percent(iou)}</td><td class="number">${sharePercent(share)}</td></tr>
`;
}

function confusionDetails({ perClass }: EvaluationReport, counts: readonly number[]): Html {
  return html`<details class="card"><summary>What was taken for what</summary><div class="inner">
<p class="lead">Each row is a labelled class; its cells say, in per cent, as what its pixels were predicted. Cells under 1 % are left empty.</p>
${raw(confusionDrawing(perClass, counts))}
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

function sharePercent(share: number): string {
  return share > 0 && share < 0.001 ? "< 0.1 %" : percent(share);
}

import { type Html, html, raw } from "./html.js";
import { percent } from "./numbers.js";
import type { ClassScore, EvaluationReport } from "./run-report.js";

/** A square in the class's own colour. */
export function swatch([red, green, blue]: ClassScore["colour"]): Html {
  return html`<span class="swatch" style="background:rgb(${red} ${green} ${blue})"></span>`;
}

/** One evaluation: its score, the IoU of each class as a number and a bar, and what share of the pixels the class has. */
export function classTable({ dataset, split, pictures, mIoU, pixelAccuracy, perClass }: EvaluationReport): Html {
  return html`<section class="card evaluation">
<h3>${dataset}, ${split}</h3>
<p class="score"><b>${percent(mIoU)}</b> mIoU · <b>${percent(pixelAccuracy)}</b> pixel accuracy · ${pictures} ${pictures === 1 ? "picture" : "pictures"}</p>
<table>
<thead><tr><th scope="col">Class</th><th scope="col" colspan="2">IoU</th><th scope="col" class="number">Pixels</th></tr></thead>
<tbody>
${perClass.map(classRow)}
</tbody>
</table>
</section>`;
}

function classRow({ name, colour, iou, share }: ClassScore): Html {
  const bar = iou === null ? null : html`<i style="width:${(100 * iou).toFixed(1)}%"></i>`;
  const absent = iou === null ? raw(' class="absent" title="neither labelled nor predicted"') : null;
  return html`<tr${absent}><td class="name"><span>${swatch(colour)}${name}</span></td><td class="bar"><span class="track">${bar}</span></td><td class="number">${iou === null ? "absent" : percent(iou)}</td><td class="number">${sharePercent(share)}</td></tr>
`;
}

function sharePercent(share: number): string {
  return share > 0 && share < 0.001 ? "< 0.1 %" : percent(share);
}

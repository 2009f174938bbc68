import type { Curve, Dash, Mark } from "./curves.js";
import { type Html, html, raw } from "./html.js";

const dashes: Readonly<Record<Dash, string>> = {
  solid: "",
  dashed: ' stroke-dasharray="5 4"',
  dotted: ' stroke-dasharray="1.5 4"',
  "dash-dot": ' stroke-dasharray="8 4 1 4"',
};
const marks: Readonly<Record<Mark, string>> = {
  circle: '<circle cx="12" cy="5" r="3.4"/>',
  triangle: '<path d="M12 1L16 8.4H8Z"/>',
  rect: '<path d="M9 2H15V8H9Z"/>',
  diamond: '<path d="M12 .6L16.4 5L12 9.4L7.6 5Z"/>',
};

/** A drawing under its title and legend; what its horizontal axis counts stands below it. */
export function chartCard({
  title,
  curves,
  drawing,
  axis = "epoch",
}: {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly drawing: string;
  readonly axis?: string;
}): Html {
  return html`<section class="card chart"><h3>${title}</h3>
<ul class="legend">${curves.map((curve) => html`<li>${lineSample(curve)}${curve.name}</li>`)}</ul>
${raw(drawing)}
<p class="axis">${axis}</p></section>
`;
}

/** The line and mark of a curve, for a legend. */
export function lineSample({
  colour,
  dash = "solid",
  thin,
  mark,
}: Pick<Curve, "colour" | "dash" | "thin" | "mark">): Html {
  const paint = `var(--series-${colour})`;
  const dot = mark ? `<g fill="${paint}">${marks[mark]}</g>` : "";
  return raw(
    `<svg class="sample" viewBox="0 0 24 10" aria-hidden="true"><path d="M1 5H23" fill="none" stroke="${paint}" stroke-width="${thin ? 1.5 : 2.5}" stroke-linecap="round"${dashes[dash]}/>${dot}</svg>`,
  );
}

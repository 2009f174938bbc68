import { swatch } from "../../report/class-table.js";
import { type Html, html } from "../../report/html.js";
import { percent } from "../../report/numbers.js";
import { dataUri } from "../../report/pictures.js";
import { lineSample } from "./looks.js";
import type { ChosenPicture, PictureChoice } from "./picture-choice.js";
import type { LoadedPicture } from "./picture-load.js";
import type { StudyView } from "./study-view.js";

export type LoadedPictures = ReadonlyMap<ChosenPicture, LoadedPicture>;

/** One picture as all systems see it, and each system's best, median and worst beside each other. */
export function pictureSection(view: StudyView, { train, own, shared }: PictureChoice, loaded: LoadedPictures): Html {
  const systems = [...new Set(own.map(({ system }) => system))];
  return html`${legend(view, train)}
${shared.length > 0 && sharedCard(view, shared, loaded)}
${systems.map(
  (
    system,
  ) => html`<h3 class="system">${lineSample(view.looks.get(system)!)} ${view.looks.get(system)!.title} on ${train}</h3>
<div class="triples">${own.filter((chosen) => chosen.system === system).map((chosen) => card(chosen, loaded))}</div>
`,
)}`;
}

function legend({ results }: StudyView, train: string): Html | null {
  const colours = results.colours?.[train];
  if (!colours) return null;
  const classes = Object.entries(colours).map(([name, colour]) => html`<li>${swatch(colour)}${name}</li>`);
  return html`<ul class="legend">${classes}<li>${swatch([245, 245, 245])}wrong</li><li>${swatch([24, 24, 24])}right</li><li>${swatch([90, 90, 90])}not scored</li></ul>`;
}

function sharedCard(view: StudyView, shared: readonly ChosenPicture[], loaded: LoadedPictures): Html {
  const [{ picture }] = shared as [ChosenPicture];
  const first = loaded.get(shared[0]!)!;
  return html`<section class="card shared"><h3>One picture, all systems: ${picture.id}</h3>
<div class="row">
<div>${tile("Picture", first.image, picture.id)}${tile("Label", first.label, picture.id)}</div>
${shared.map((chosen) => {
  const name = view.looks.get(chosen.system)!.title;
  const { prediction, errors } = loaded.get(chosen)!;
  return html`<div>${tile(`${name}, ${percent(chosen.picture.mIoU)}`, prediction, picture.id)}${tile("Wrong pixels", errors, picture.id)}</div>
`;
})}</div></section>`;
}

const ranks = { best: "Best", median: "Median", worst: "Worst", same: "" } as const;

function card(chosen: ChosenPicture, loaded: LoadedPictures): Html {
  const { picture, rank, run } = chosen;
  const { image, label, prediction, errors } = loaded.get(chosen)!;
  return html`<article class="card picture">
<div class="tiles">${tile("Picture", image, picture.id)}${tile("Label", label, picture.id)}${tile("Prediction", prediction, picture.id)}${tile("Wrong pixels", errors, picture.id)}</div>
<p><b>${ranks[rank]}: ${picture.id}<span class="caption">seed ${run.seed}</span></b><span class="of">mIoU ${percent(picture.mIoU)}</span></p>
</article>
`;
}

function tile(name: string, image: Uint8Array, id: string): Html {
  return html`<figure><img src="${dataUri(image)}" alt="${name} of ${id}" loading="lazy" decoding="async"><figcaption>${name}</figcaption></figure>`;
}

import { swatch } from "./class-table.js";
import { type Html, html } from "./html.js";
import { percent } from "./numbers.js";
import type { ClassScore, PictureReport, ReportImage } from "./run-report.js";

/** Predictions beside what they were made from. */
export function pictureGrid(pictures: readonly PictureReport[]): Html {
  return html`<div class="pictures">${pictures.map(pictureCard)}</div>`;
}

function pictureCard({ id, image, label, prediction, errorMap, caption, mIoU }: PictureReport): Html {
  const score = mIoU === undefined ? null : html`<span class="of">mIoU ${percent(mIoU)}</span>`;
  return html`<article class="card picture">
<div class="tiles">
${tile("Picture", image, id)}
${tile("Prediction", prediction, id)}
${label === undefined ? null : tile("Label", label, id)}
${errorMap === undefined ? null : tile("Wrong pixels", errorMap, id)}
</div>
<p><b>${id}${caption === undefined ? null : html`<span class="caption">${caption}</span>`}</b>${score}</p>
</article>
`;
}

function tile(name: string, image: ReportImage, id: string): Html {
  return html`<figure><img src="${dataUri(image)}" alt="${name} of ${id}" loading="lazy" decoding="async"><figcaption>${name}</figcaption></figure>`;
}

/** The classes' colours, by name. */
export function classLegend(classes: readonly ClassScore[]): Html {
  return html`<ul class="legend">${classes.map(({ name, colour }) => html`<li>${swatch(colour)}${name}</li>`)}</ul>`;
}

/** @throws Error for bytes that are neither PNG nor JPEG, and for addresses: a report holds everything it shows. */
export function dataUri(image: ReportImage): string {
  if (typeof image === "string") {
    if (/^data:image\/(png|jpeg|webp);base64,[A-Za-z0-9+/=]*$/.test(image)) return image;
    throw new Error(`a report's picture must be bytes or a data URI, not ${JSON.stringify(image.slice(0, 60))}`);
  }
  const isPng = image[0] === 0x89 && image[1] === 0x50 && image[2] === 0x4e && image[3] === 0x47;
  const isJpeg = image[0] === 0xff && image[1] === 0xd8;
  if (!isPng && !isJpeg) throw new Error("a report's picture must be PNG or JPEG");
  return `data:image/${isPng ? "png" : "jpeg"};base64,${Buffer.from(image).toString("base64")}`;
}

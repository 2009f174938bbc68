import { type Html, html, raw } from "./html.js";
import { style } from "./style.js";

/** Forbids the page every request, whatever a text in it may say. */
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** A page that needs nothing beside itself: no script, no font, no address. */
export function renderPage({
  title,
  kicker,
  summary,
  body,
  moreStyle = "",
}: {
  readonly title: string;
  /** A line above the title. */
  readonly kicker: string;
  /** A sentence or two below it. */
  readonly summary?: string | undefined;
  readonly body: Html;
  /** After the style sheet of all reports. */
  readonly moreStyle?: string;
}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(style + moreStyle)}</style>
</head>
<body>
<main>
<header>
<p class="kicker">${kicker}</p>
<h1>${title}</h1>
${summary === undefined ? null : html`<p class="summary">${summary}</p>`}
</header>
${body}
</main>
</body>
</html>
`.toString();
}

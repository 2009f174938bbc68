/** The report's style sheet: system fonts, light and dark, from phones to desks, and on paper. Series colours are Okabe and Ito's. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f7f6f3; --surface: #ffffff; --ink: #1c2126; --soft: #5b646d; --line: #e3e1dc; --faint: #f0eeea;
  --accent: #0b67a3; --edge: rgb(0 0 0 / .18);
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #009e73; --series-3: #b5548f;
  --series-4: #b97a00; --series-5: #3a93c7; --series-6: #5b646d; --series-7: #1c2126;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121518; --surface: #1a1e22; --ink: #e8eaec; --soft: #9aa4ad; --line: #2c3238; --faint: #22272c;
    --accent: #62b5e8; --edge: rgb(255 255 255 / .28);
    --series-0: #56b4e9; --series-1: #f0813a; --series-2: #2cc295; --series-3: #dd94bf;
    --series-4: #e6a93c; --series-5: #8fd0f5; --series-6: #9aa4ad; --series-7: #e8eaec;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1180px; margin: 0 auto; padding: 56px 24px 72px; }
header { max-width: 760px; }
.kicker { margin: 0 0 10px; font-size: 13px; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); }
h1 { margin: 0; font-size: clamp(26px, 4.2vw, 38px); line-height: 1.15; letter-spacing: -.018em; font-weight: 650; text-wrap: balance; }
.summary { margin: 14px 0 0; font-size: 18px; color: var(--soft); text-wrap: pretty; }
h2 { margin: 64px 0 6px; font-size: 21px; letter-spacing: -.01em; font-weight: 650; }
h3 { margin: 0; font-size: 15px; font-weight: 600; }
h2 + .card, h2 + .pictures, h2 + ul { margin-top: 18px; }
.lead { margin: 0 0 20px; max-width: 68ch; color: var(--soft); }
code, pre { font: 13px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { padding: 1px 6px; border-radius: 5px; background: var(--faint); overflow-wrap: anywhere; }
pre { margin: 0; padding: 18px 20px; overflow-x: auto; tab-size: 2; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 1px; margin: 36px 0 0; padding: 0; overflow: hidden; background: var(--line); }
.figures > div { padding: 20px 22px 18px; background: var(--surface); }
.figures dt { font-size: 13.5px; color: var(--soft); }
.figures dd { margin: 2px 0 0; }
.figures .value { font-size: 30px; line-height: 1.2; font-weight: 600; letter-spacing: -.02em; white-space: nowrap; }
.figures .note { display: block; font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }

.legend { display: flex; flex-wrap: wrap; gap: 6px 16px; margin: 0 0 18px; padding: 0; list-style: none; font-size: 13.5px; color: var(--soft); }
.legend li { display: inline-flex; align-items: center; gap: 7px; }
.swatch { flex: none; width: 13px; height: 13px; border-radius: 3.5px; box-shadow: inset 0 0 0 1px var(--edge); }

.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 20px; }
.picture { padding: 14px; }
.tiles { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.tiles figure { margin: 0; min-width: 0; }
.tiles img { display: block; width: 100%; height: auto; border-radius: 6px; background: var(--faint); }
.tiles figcaption { margin-top: 4px; font-size: 12.5px; color: var(--soft); }
.picture > p { display: flex; gap: 16px; justify-content: space-between; align-items: baseline; margin: 12px 2px 0; font-size: 13.5px; }
.picture b { font-weight: 600; overflow-wrap: anywhere; }
.picture .of { color: var(--soft); white-space: nowrap; }
.picture .caption { display: block; color: var(--soft); font-weight: 400; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 20px; }
.chart { display: flex; flex-direction: column; padding: 18px 18px 12px; max-width: 580px; }
.chart .legend { margin: 6px 0 8px; gap: 3px 14px; font-size: 13px; min-height: 22px; }
.chart .legend svg { width: 24px; height: 10px; }
.chart > svg { display: block; width: 100%; height: auto; margin-top: auto; overflow: visible; }
.chart .peak { font-size: 12.5px; font-weight: 600; fill: var(--ink); paint-order: stroke; stroke: var(--surface); stroke-width: 4px; stroke-linejoin: round; }
.chart .axis { margin: 0; text-align: right; font-size: 12px; color: var(--soft); }

.evaluations { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 20px; align-items: start; }
.evaluation { padding: 20px 22px 16px; min-width: 0; max-width: 780px; }
.evaluation .score { margin: 2px 0 14px; color: var(--soft); font-size: 14px; }
.evaluation .score b { color: var(--ink); font-weight: 600; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { padding: 0 0 6px; text-align: left; font-weight: 500; font-size: 12.5px; color: var(--soft); }
td { padding: 5px 0; border-top: 1px solid var(--line); }
th.number, td.number { padding-left: 12px; text-align: right; white-space: nowrap; }
td.name { padding-right: 12px; white-space: nowrap; }
td.name span { display: inline-flex; align-items: center; gap: 9px; }
td.bar { width: 46%; }
.track { display: block; height: 8px; border-radius: 4px; background: var(--faint); }
.track i { display: block; height: 100%; min-width: 2px; border-radius: 4px; background: var(--accent); }
tr.absent td { color: var(--soft); }

details { margin: 20px 0 0; }
summary { padding: 13px 20px; cursor: pointer; font-weight: 600; font-size: 15px; }
details[open] > summary { border-bottom: 1px solid var(--line); }
details .inner { padding: 16px 20px 20px; overflow-x: auto; }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; border-radius: 12px; }
.confusion { display: block; width: 100%; min-width: 620px; max-width: 860px; height: auto; }
.confusion text { font-size: 12px; fill: var(--soft); }
.confusion text.on { fill: var(--ink); font-size: 10.5px; }

.facts { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; margin: 0; padding: 8px 22px; font-size: 14.5px; }
.facts dt { padding: 9px 24px 9px 0; color: var(--soft); border-top: 1px solid var(--line); }
.facts dd { margin: 0; padding: 9px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.facts dt:first-of-type, .facts dd:first-of-type { border-top: 0; }
.next { margin: 0; padding-left: 20px; max-width: 76ch; }
.next li { margin: 0 0 10px; padding-left: 4px; }
.next li::marker { color: var(--accent); }

@media (max-width: 560px) {
  main { padding: 32px 16px 48px; }
  h2 { margin-top: 48px; }
  .figures { grid-template-columns: 1fr 1fr; }
  .figures > div { padding: 15px 16px 13px; }
  .figures .value { font-size: 24px; }
  .figures > div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .evaluation, .facts { padding-left: 16px; padding-right: 16px; }
  .picture { padding: 10px; }
  td.bar { width: 38%; }
  .facts { grid-template-columns: 1fr; }
  .facts dt { padding-bottom: 0; }
  .facts dd { padding-top: 0; border-top: 0; }
}
@media print {
  body { background: none; }
  main { padding: 0; max-width: none; }
  .card { break-inside: avoid; }
}
`;

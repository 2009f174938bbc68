/** What a study's report has beyond a run's: answers, tables with intervals, matrices, rows of pictures. */
export const studyStyle = `
:root { --good: #00704f; --bad: #b3470a; --unsure: #5b646d; }
@media (prefers-color-scheme: dark) { :root { --good: #3ecfa2; --bad: #f59a5f; --unsure: #aab3bb; } }
a { color: var(--accent); }
.lead { max-width: 80ch; }
.warning { margin: 22px 0 0; padding: 12px 20px; border-left: 4px solid var(--bad); }
.warning p { margin: 0; }
.warning p + p { margin-top: 6px; }

main { padding-top: 36px; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 14px; margin: 20px 0 0; }
.answer { padding: 13px 20px 12px; }
.answer h2 { margin: 0 0 5px; font-size: 16px; }
.finding + .finding { margin-top: 7px; padding-top: 7px; border-top: 1px solid var(--line); }
.finding p { margin: 0; font-size: 14.5px; color: var(--soft); text-wrap: pretty; }
.finding p:first-child { display: flex; flex-wrap: wrap; gap: 2px 12px; justify-content: space-between; color: var(--ink); }
.finding b { font-weight: 600; }
.verdict { display: inline-block; padding: 0 8px; border: 1px solid currentcolor; border-radius: 99px; font-size: 12px; line-height: 1.55; font-weight: 600; white-space: nowrap; color: var(--unsure); }
.verdict.better { color: var(--good); }
.verdict.worse { color: var(--bad); }
.verdict.noise { border-style: dashed; }
.verdict.untold { border-style: dotted; }
.notes { margin-top: 22px; }

.card.table { padding: 18px 20px 12px; margin-top: 18px; }
.card.table > h3 { margin-bottom: 8px; }
.card.table > .lead { margin: 4px 0 12px; font-size: 13.5px; }
.inner > .card.table { margin: 0; padding: 0; border: 0; }
.scroll {
  overflow-x: auto; /* a shade at the side where more is hidden, covered by the surface at the end */
  background: linear-gradient(90deg, var(--surface) 45%, transparent) 0 0 / 36px 100% no-repeat local,
    linear-gradient(270deg, var(--surface) 45%, transparent) 100% 0 / 36px 100% no-repeat local,
    linear-gradient(90deg, var(--edge), transparent) 0 0 / 10px 100% no-repeat scroll,
    linear-gradient(270deg, var(--edge), transparent) 100% 0 / 10px 100% no-repeat scroll;
}
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 4px; }
.table th, .table td { padding: 7px 0 7px 20px; vertical-align: top; }
.table thead th { padding-top: 0; vertical-align: bottom; white-space: normal; text-wrap: balance; }
.table th:first-child, .table td:first-child { padding-left: 0; }
.table tbody th { border-top: 1px solid var(--line); font-weight: 500; font-size: 14px; color: var(--ink); min-width: 190px; }
.table tbody th span { text-wrap: balance; display: inline-flex; align-items: baseline; gap: 9px; }
.sample { flex: none; width: 24px; height: 10px; }
.table td { font-size: 14px; }
.table td.short { white-space: nowrap; }
.table td.none { color: var(--soft); }
.table td.best .value { font-weight: 700; }
.table td .verdict { margin-left: 4px; }
.table .interval { white-space: nowrap; color: var(--soft); font-size: 12.5px; }
.table td.barred { min-width: 170px; }
.table .track { position: relative; margin-top: 5px; }
.table .track b { position: absolute; top: 3px; height: 2px; min-width: 2px; background: var(--ink); box-shadow: 0 0 0 1px var(--surface); }
.table .published { font-style: italic; }
.table td.published { border-right: 2px dotted var(--soft); padding-right: 14px; }
.table th.published { padding-right: 14px; }

.charts.wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }

.matrices { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 260px), 1fr)); gap: 14px; }
.matrices + .matrices { margin-top: 14px; }
.matrix { padding: 14px; overflow-x: auto; }
.matrix h3 { margin-bottom: 8px; }
.matrix td { padding: 9px 8px; border: 1px solid var(--line); text-align: center; font-size: 14px; width: 36%; }
.matrix thead td { border: 0; padding: 0 8px 6px 0; text-align: left; width: auto; }
.matrix thead th { text-align: center; }
.matrix tbody th { padding: 9px 8px 9px 0; }
.matrix .from { display: block; font-size: 11.5px; color: var(--soft); }
.matrix .kept { display: block; font-size: 12.5px; }
.matrix .kept i { display: block; font-style: normal; }
.matrix td.none { font-size: 12.5px; color: var(--soft); }

h3.system { margin: 26px 0 10px; }
.triples + .legend { margin-top: 34px; }
h3 .sample { display: inline-block; margin-right: 4px; vertical-align: middle; }
.triples { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 16px; }
.shared { padding: 16px 18px; }
.shared .row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 190px), 1fr)); gap: 12px; margin-top: 12px; }
.shared figure { margin: 0 0 10px; }
.shared img { display: block; width: 100%; height: auto; border-radius: 6px; background: var(--faint); }
.shared figcaption { margin-top: 4px; font-size: 12.5px; color: var(--soft); }
code.line { display: block; margin: 0 0 4px; width: fit-content; max-width: 100%; }

@media (max-width: 560px) {
  .answer, .card.table, .shared { padding-left: 14px; padding-right: 14px; }
  .finding p:first-child { justify-content: flex-start; }
  .shared .row { grid-template-columns: 1fr 1fr; }
  .table tbody th, .table thead th:first-child { position: sticky; left: 0; background: var(--surface); min-width: 104px; max-width: 124px; padding-right: 6px; }
  .table tbody th .sample { display: none; }
  .table th, .table td { padding-left: 10px; }
  .table .interval, .table td .verdict { display: block; width: fit-content; margin: 2px 0 0 auto; }
  .table thead th { min-width: 84px; }
  .table td:not(.number, .short) { min-width: 150px; }
  .table .none { white-space: normal; }
  .table td.barred { min-width: 80px; }
  .chart { padding-left: 12px; padding-right: 12px; }
}
`;

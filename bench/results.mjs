/**
 * docs/results.json and the tables of docs/results.md, of what docs/measured holds: `node bench/results.mjs [--from docs/measured] [--to docs]`.
 * There each study has a folder, as `adsam study gather` fills it, and the mark to beat its curves in `mark/*.jsonl`, as
 * `bench/peers/camvid-resnet18.py --out` writes them. A study's tables go between `<!-- NAME -->` and `<!-- end of NAME -->` of the page, the
 * curves beside the mark's between the same of "mark".
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { jsonText } from "../packages/adsam/dist/src/study/json-text.js";
import { markdown } from "../packages/adsam/dist/src/study/report/markdown.js";
import { studyView } from "../packages/adsam/dist/src/study/report/study-view.js";
import { allTables, reportJson } from "../packages/adsam/dist/src/study/report/write.js";
import { readStudyResults } from "../packages/adsam/dist/src/study/results.js";

const { values } = parseArgs({
  options: { from: { type: "string", default: "docs/measured" }, to: { type: "string", default: "docs" } },
});

const namesIn = (folder) => (existsSync(folder) ? readdirSync(folder).sort() : []);
const studies = namesIn(values.from)
  .map((name) => join(values.from, name, "results.json"))
  .filter((file) => existsSync(file))
  .map((file) => {
    const results = readStudyResults(file);
    return { results, report: JSON.parse(reportJson(results, allTables(studyView(results)))) };
  });
const marks = join(values.from, "mark");
const peers = namesIn(marks).map((name) => {
  const lines = readFileSync(join(marks, name), "utf8").trim().split("\n");
  const curve = lines.map((line) => JSON.parse(line));
  return { curve, minutes: curve.at(-1).minutes, mIoU: curve.at(-1).mIoU };
});
const peerName = "ResNet-18 with a feature pyramid, PyTorch";
const peerRow = ({ minutes, mIoU: value }) => ({
  study: "mark",
  system: peerName,
  train: "CamVid",
  test: "CamVid",
  metric: "mIoU",
  value,
  low: null,
  high: null,
  seeds: [0],
  minutes,
});

const said = ({ report: { machine, versions, date, commands, notes, missing } }) => ({
  machine,
  versions,
  date,
  commands,
  notes,
  missing,
});
const whole = {
  studies: Object.fromEntries(studies.map((study) => [study.report.study, said(study)])),
  rows: [...studies.flatMap(({ report }) => report.rows), ...peers.map(peerRow)],
};
writeFileSync(join(values.to, "results.json"), jsonText(whole));

const page = join(values.to, "results.md");
let text = readFileSync(page, "utf8");
const put = (name, body) => {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has no place between ${begin} and ${end}; give it one`);
  text = `${text.slice(0, from + begin.length)}\n${body.trimEnd()}\n${text.slice(to)}`;
};

/** What a table a page would be too much of stands in the report. */
const elsewhere = /^(classes-|published-|runs$)/;
for (const { report } of studies) {
  const tables = report.tables.filter(({ id }) => !elsewhere.test(id));
  put(report.study, markdown(tables));
}

/** The last validation that was over by then, and when: `57.0 % (13.9)`. */
const by = (curve, minute) => {
  const seen = curve.filter((point) => point.mIoU !== null && point.minutes <= minute + 1).at(-1);
  return seen ? `${(seen.mIoU * 100).toFixed(1)} % (${seen.minutes.toFixed(1)})` : "–";
};
/** Of long runs on all of CamVid. */
const curvesOf = ({ results: { systems, runs } }) =>
  systems.flatMap(({ id, title }) =>
    runs
      .filter(({ system, train, curve }) => system === id && train === "CamVid" && curve.length > 0)
      .filter(({ budget: { minutes = 0, pictures } }) => minutes >= 20 && pictures === undefined)
      .map(({ seed, budget, curve }) => ({
        title,
        budget: budget.minutes,
        seed,
        curve: curve.map(({ minutes, valMIoU }) => ({ minutes, mIoU: valMIoU })),
      })),
  );
const curves = [
  ...peers.map(({ curve, minutes }) => ({ title: peerName, budget: Math.round(minutes), seed: 0, curve })),
  ...studies.flatMap(curvesOf),
].sort((a, b) => a.budget - b.budget);
const minutes = [5, 9, 14, 20, 30, 40, 50, 60];
const shown = curves.map(({ title, budget, seed, curve }) => {
  const cells = minutes.map((minute) => (minute <= budget ? by(curve, minute) : ""));
  return `| ${title} | ${budget} | ${seed} | ${cells.join(" | ")} |`;
});
const head = `| | budget, min | seed | ${minutes.join(" | ")} |`;
put("mark", ["", head, `|---|---:|---:|${"---:|".repeat(minutes.length)}`, ...shown, ""].join("\n"));
writeFileSync(page, text);

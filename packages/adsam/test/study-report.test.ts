import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { writePalette } from "../src/data/write-png.js";
import { escapeHtml } from "../src/report/html.js";
import { answersOf } from "../src/study/report/answers.js";
import { overEpochs, overMinutes } from "../src/study/report/bands.js";
import { rowsCsv, tableCsv } from "../src/study/report/csv.js";
import { latex } from "../src/study/report/latex.js";
import { learningTables, soonerMean } from "../src/study/report/learning.js";
import { markdown } from "../src/study/report/markdown.js";
import { renderStudyReport } from "../src/study/report/page.js";
import { choosePictures } from "../src/study/report/picture-choice.js";
import { publishedFigures } from "../src/study/report/published.js";
import { studyView } from "../src/study/report/study-view.js";
import { slug, type Table } from "../src/study/report/table.js";
import { transferMatrices, transferTables } from "../src/study/report/transfer.js";
import { allTables, reportJson, writeStudyReport } from "../src/study/report/write.js";
import type { StudyResults, StudyRun } from "../src/study/results.js";
import { resultRows } from "../src/study/rows.js";
import { madeUpResults } from "./study-results.js";

const nasty = `[<script src="https://evil.example/x.js"></script>'"&|$_{ $& $'`;
const pageOf = (results: StudyResults) => renderStudyReport(studyView(results), [], new Map());
/** What a reader sees, its parts divided by bars. */
const textOf = (page: string) => page.replace(/<style>[\s\S]*?<\/style>/, "").replace(/(<[^>]+>\s*)+/g, "|");
const tagsOf = (page: string) => page.match(/<[^>]*>/g) ?? [];

describe("the page of a study", () => {
  test("where the longest runs have no other beside them, systems are compared in the longest that have", () => {
    const results = madeUpResults();
    const trained = (run: StudyRun) => run.train === "CamVid" && run.budget.minutes === 60 && run.system !== "ad-sam";
    results.runs = results.runs.map((run) =>
      trained(run) ? { ...run, scores: [], curve: [], missing: "not begun" } : run,
    );
    const { main } = studyView(results);
    assert.deepEqual(
      main.map(({ train, budget }) => [train, budget.minutes]),
      [
        ["CamVid", 20],
        ["IDD-Lite", 20],
      ],
    );
    const faster = answersOf(studyView(results))[2]!.answers;
    assert.deepEqual(
      faster.map(({ where }) => where),
      ["CamVid, 20 min", "IDD-Lite, 20 min"],
    );
  });

  test("a transfer is told with the largest budget that was scored there, where longer runs were at home alone", () => {
    const results = madeUpResults();
    const titles = () => transferTables(studyView(results)).map(({ title }) => title);
    assert.deepEqual(titles(), ["Transfer: CamVid → IDD-Lite, 60 min", "Transfer: IDD-Lite → CamVid, 20 min"]);
    for (const run of results.runs)
      if (run.budget.minutes === 60) run.scores = run.scores.filter(({ dataset }) => dataset === "CamVid");
    assert.deepEqual(titles(), ["Transfer: CamVid → IDD-Lite, 20 min", "Transfer: IDD-Lite → CamVid, 20 min"]);
    const page = String(transferMatrices(studyView(results)));
    assert.match(page, /CamVid<span class="from">20 min<\/span><\/th><td[^>]*><b>[^<]*<\/b><span class="kept">at home/);
    assert.doesNotMatch(page, /60 min/);
  });

  test("a study that trains on parts alone is told of its largest ones", () => {
    const parts = madeUpResults();
    parts.runs = parts.runs.filter(({ budget }) => budget.pictures !== undefined);
    const view = studyView(parts);
    const titles = allTables(view).map(({ title }) => title);
    for (const title of ["Accuracy: CamVid, 20 min, 200 pictures", "Learning speed: CamVid, 20 min, 200 pictures"])
      assert.ok(titles.includes(title), titles.join("; "));
    assert.equal(answersOf(view)[0]!.answers[0]!.where, "CamVid, 20 min, 200 pictures");
    assert.match(pageOf(parts), /aria-label="Validation mIoU on CamVid over epochs/);
  });

  test("a lead over a system with fewer seeds says of which it is", () => {
    const few = madeUpResults();
    few.runs = few.runs.filter(({ system, seed }) => system === "ad-sam" || seed === 1);
    const [table] = allTables(studyView(few));
    const leads = table!.rows.map((row) => row[2]);
    assert.ok(leads.some((cell) => typeof cell === "object" && cell?.of === "seed 1"));
    assert.match(table!.note!, /A lead is of the seeds that both have/);
    assert.match(answersOf(studyView(few))[0]!.answers[0]!.text, / points \(seed 1 alone\)\.$/);
    assert.match(markdown([table!]), /\(seed 1\): too few seeds/);
    assert.ok(tableCsv(table!).split("\r\n")[0]!.includes("points of"));
  });

  test("latency of several machines is not ranked", () => {
    const two = madeUpResults();
    const on = (machine: (system: string) => string) => {
      for (const row of two.rows) if (row.metric === "latency") row.machine = machine(row.system);
      return allTables(studyView(two)).find(({ id }) => id === "efficiency")!;
    };
    const one = on(() => "2 × A");
    assert.match(one.note!, /those of 2 × A\.$/);
    const best = ({ rows, columns }: Table) => {
      const at = columns.findIndex(({ title }) => title === "Seconds a picture");
      return rows.filter((row) => (row[at] as { best?: boolean }).best).length;
    };
    const several = on((system) => (system === "ad-sam" ? "2 × A" : "2 × B"));
    assert.deepEqual([best(one), best(several)], [1, 0]);
    assert.equal(several.columns.at(-1)!.title, "Machine");
    assert.ok(several.rows.some((row) => row.at(-1) === "2 × A"));
    for (const row of two.rows) if (row.system === "g-sam") row.test = "IDD-Lite";
    const ids = allTables(studyView(two)).map(({ id }) => id);
    assert.deepEqual(
      ids.filter((id) => id.startsWith("efficiency")),
      ["efficiency", "efficiency-idd-lite"],
    );
  });

  const results = madeUpResults();
  const page = pageOf(results);
  const text = textOf(page);

  test("answers in its first cards, with a verdict in words", () => {
    const said = answersOf(studyView(results)).map(({ answers }) =>
      answers.map(({ where, verdict }) => [where, verdict]),
    );
    assert.deepEqual(said[0], [
      ["CamVid, 60 min", "better"],
      ["CamVid, 20 min", "better"],
      ["IDD-Lite, 20 min", "inside the noise"],
    ]);
    assert.ok(
      said[1]!.some(([where, verdict]) => where === "IDD-Lite → CamVid, 20 min, retention" && verdict === "worse"),
    );
    assert.deepEqual(
      said[2]!.map(([where]) => where),
      said[0]!.map(([where]) => where),
    );
    const cards = page.slice(page.indexOf('class="answers"'), page.indexOf('id="accuracy"'));
    assert.match(
      textOf(cards),
      /IDD-Lite, 20 min\|≈\|inside the noise\|60\.\d % mIoU; the best other, DeepLabV3-ResNet-50, \d+\.\d %: [+−]/,
    );
    assert.match(textOf(cards), /times as soon \(.* to .*\) at 90 % of the final mIoU of DeepLabV3/);
  });

  test("claims nothing of the speed of one seed", () => {
    const one = structuredClone({ ...results, runs: results.runs.filter(({ seed }) => seed === 0) });
    for (const { curve, system } of one.runs) if (system === "ad-sam") curve.splice(2);
    const [finding] = answersOf(studyView(one))[2]!.answers;
    assert.match(finding!.text, /^1 of 1 seed never reaches 90 % of the final mIoU of /);
    assert.equal(finding!.verdict, "untold");
  });

  test("of several seeds, one that never gets there is said, and no verdict comes of it", () => {
    const late = structuredClone(results);
    const cut = (isCut: (seed: number) => boolean) => {
      for (const { curve, system, seed } of late.runs) if (system === "ad-sam" && isCut(seed)) curve.splice(2);
      const [finding] = answersOf(studyView(late))[2]!.answers;
      const cells = learningTables(studyView(late))[0]!.rows.map((row) => row.at(-1));
      return [finding!.text.slice(0, 26), finding!.verdict, cells.find((cell) => typeof cell === "string")];
    };
    assert.deepEqual(
      cut((seed) => seed === 1),
      ["1 of 3 seeds never reaches", null, "never in 1 of 3"],
    );
    assert.deepEqual(
      cut(() => true),
      ["3 of 3 seeds never reach 9", "worse", "never"],
    );
  });

  test("holds no system slow for what it was at its first validation already", () => {
    const late = structuredClone(results);
    for (const { curve, system } of late.runs) {
      const first = curve.findIndex(({ valMIoU }) => valMIoU !== null && valMIoU > 0.55);
      if (system === "ad-sam" && first > 0) curve.splice(0, first);
    }
    const seen = (all: typeof late) => answersOf(studyView(all))[2]!.answers[0]!;
    assert.match(
      seen(late).text,
      /^At least .* times as soon .*: AD-SAM is there when first validated, and was so before\.$/,
    );
    assert.ok(seen(late).verdict === "better" || seen(late).verdict === null);
    const column = learningTables(studyView(late))[0]!.rows.map((row) => row.at(-1));
    assert.ok(column.some((cell) => typeof cell === "object" && cell?.bound === "at least"));
    for (const { curve } of late.runs) curve.splice(0, curve.length - 1);
    assert.deepEqual([seen(late).verdict, /which was first was not seen/.test(seen(late).text)], [null, true]);
  });

  test("matrices of transfers stand apart where nothing joins their data", () => {
    const apart = structuredClone(results);
    for (const run of structuredClone(
      apart.runs.filter(({ train, budget }) => train === "CamVid" && !budget.pictures),
    )) {
      const renamed = { CamVid: "Streets", "IDD-Lite": "Lanes" } as Record<string, string>;
      const scores = run.scores.map((all) => ({ ...all, dataset: renamed[all.dataset]! }));
      apart.runs.push({ ...run, id: `${run.id} there`, train: "Streets", scores });
    }
    const drawn = pageOf(apart);
    const tables = drawn.slice(drawn.indexOf('id="transfer"')).match(/<div class="matrices">[\s\S]*?<\/div>/g)!;
    const heads = tables.map((table) =>
      [...table.matchAll(/scope="col">([^<]+)</g)].slice(0, 2).map(([, name]) => name),
    );
    assert.deepEqual(heads, [
      ["CamVid", "IDD-Lite"],
      ["Streets", "Lanes"],
    ]); // prettier-ignore
    assert.doesNotMatch(tables[1]!, /scope="row">Lanes/, "nothing was trained there");
  });

  test("ranks systems by mIoU", () => {
    const [table] = allTables(studyView(results));
    const scores = table!.rows.map((row) => (row[1] as { value: number }).value);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => b - a),
    );
    assert.equal(table!.rows[0]![0], "AD-SAM");
  });

  test("names each missing run and its reason, and says so at the top", () => {
    assert.match(text, /2 of 87 runs are missing or not complete:\|which, and why/);
    assert.match(
      text,
      /\|g-sam-idd-lite-20min-2\|out of memory: 5\.1 GB wanted, 4\.0 GB free\|G-SAM\|IDD-Lite, 20 min\|2\|/,
    );
    assert.match(text, /stopped by SIGTERM in epoch 8/);
    const unmeasured = [{ id: "g-sam.camvid.efficiency", system: "g-sam", test: "CamVid", missing: "killed" }];
    const costs = textOf(pageOf({ ...results, unmeasured }));
    assert.match(costs, /2 of 87 runs and 1 cost are missing or not complete:/);
    assert.match(costs, /\|g-sam\.camvid\.efficiency\|killed\|G-SAM\|cost, CamVid\|/);
    const whole = pageOf({ ...results, runs: results.runs.filter(({ missing }) => missing === undefined) });
    assert.doesNotMatch(whole, /id="missing"|href="#missing"/);
  });

  test("keeps the published figures apart from the measured ones", () => {
    const table = page.slice(page.indexOf('id="published"'), page.indexOf('id="confusions"'));
    const line = table.split("<tr>").find((row) => row.includes("G-SAM: mIoU, CamVid"))!;
    assert.match(line, /<td class="number published"><span class="value">67\.2 %<\/span><\/td>/);
    assert.match(line, /<td class="number"><span class="value">5\d\.\d %<\/span>/);
    assert.match(textOf(table), /AD-SAM: mIoU, Cityscapes\|68\.1 %\|not measured here\|AD-SAM, arXiv 2510\.27047/);
    const elsewhere = page.replace(table, "");
    assert.doesNotMatch(elsewhere, /class="[^"]*published/);
  });

  test("has hardware, versions, seeds, commands, runs and recipes", () => {
    for (const said of [
      results.machine,
      "libtorch 1.13.1",
      "|0, 1, 2|",
      "|adsam study run small|",
      "85 of 87 complete",
    ])
      assert.ok(text.includes(said), said);
    for (const { id, recipeHash } of results.runs) assert.ok(page.includes(id) && page.includes(recipeHash), id);
  });

  test("draws curves with bands, the ladder on a logarithm, the matrices with retention", () => {
    assert.match(
      page,
      /fill="var\(--series-0\)" fill-opacity="0\.16"|fill-opacity="0\.16"[^>]*fill="var\(--series-0\)"/,
    );
    assert.match(page, /aria-label="mIoU on CamVid by the number of training pictures: AD-SAM from \d+ % to \d+ %/);
    assert.match(text, /keeps 0\.\d\d ?\|0\.\d\d–0\.\d\d/);
    assert.match(page, /What was taken for what: AD-SAM on CamVid, 60 min, 3 seeds/);
    assert.doesNotMatch(page, /NaN|Infinity|undefined/);
  });

  test("refers to nothing outside itself, escapes what is not its own, and closes what it opens", () => {
    const evil = structuredClone(results);
    evil.study = evil.asked = evil.machine = nasty;
    evil.versions = { [nasty]: nasty };
    evil.commands = evil.notes = [nasty];
    evil.systems[1]!.title = nasty;
    for (const run of evil.runs) {
      if (run.train === "IDD-Lite") run.train = nasty;
      if (run.missing) run.missing = nasty;
      for (const scores of run.scores) {
        if (scores.dataset === "IDD-Lite") scores.dataset = nasty;
        scores.perClass[0]!.name = nasty;
      }
    }
    const drawn = pageOf(evil);
    assert.ok(!drawn.includes("<script"));
    assert.ok(drawn.split(escapeHtml(nasty)).length > 30);
    for (const tag of tagsOf(drawn)) {
      assert.doesNotMatch(tag, /^<(script|link|iframe|object|embed|base)\b/i, tag);
      for (const [, value] of tag.matchAll(/\b(?:src|href|srcset|style)="([^"]*)"/g))
        assert.doesNotMatch(value!, /^(?!data:).*(\/\/|url\()/i, tag.slice(0, 200));
    }
    const open: string[] = [];
    for (const [, slash, name, selfClosed] of drawn.matchAll(/<(\/?)([a-z][a-z0-9]*)\b(?:"[^"]*"|[^>"])*?(\/?)>/gi)) {
      if (selfClosed || ["meta", "img", "br"].includes(name!)) continue;
      if (slash) assert.equal(open.pop(), name);
      else open.push(name!);
    }
    assert.deepEqual(open, []);
  });

  test("says that a quick form is one, and what a study has not measured", () => {
    const quick = pageOf({
      ...results,
      quick: true,
      runs: results.runs.filter(({ system }) => system === "ad-sam").slice(0, 1),
    });
    assert.match(textOf(quick), /Quick form\.\|.*not which system is better/);
    assert.match(textOf(quick), /nothing stands beside it/);
    const none = textOf(
      pageOf({
        ...results,
        rows: [],
        runs: results.runs.filter(({ missing }) => missing).map((run) => ({ ...run, scores: [] })),
      }),
    );
    assert.equal(none.split("This study has not measured it.").length - 1, 4);
  });
});

describe("tables", () => {
  const results = madeUpResults();
  results.systems[1]!.title = 'Deep|Lab_V3 & 50 % "x", {y}';
  const tables = allTables(studyView(results));

  test("in CSV have as many cells in each line, in full precision", () => {
    for (const table of tables) {
      const lines = parseCsv(tableCsv(table));
      assert.equal(lines.length, table.rows.length + 1, table.id);
      for (const line of lines) assert.equal(line.length, lines[0]!.length, table.id);
    }
    const [head, first] = parseCsv(tableCsv(tables[0]!));
    assert.equal(Number(first![head!.indexOf("mIoU")]), (tables[0]!.rows[0]![1] as { value: number }).value);
    assert.ok(parseCsv(tableCsv(tables[0]!)).some(([system]) => system === results.systems[1]!.title));
    const rows = parseCsv(rowsCsv(resultRows(results)));
    assert.deepEqual(rows[0], [
      "study",
      "system",
      "train",
      "test",
      "metric",
      "value",
      "low",
      "high",
      "seeds",
      "minutes",
      "pictures",
      "machine",
    ]);
    assert.equal(rows.length, resultRows(results).length + 1);
  });

  test("of titles in any script have names of their own", () => {
    assert.deepEqual([slug("Städte", "20 min"), slug("道路", "20 min")], ["städte-20-min", "道路-20-min"]);
  });

  test("in CSV do not become formulas", () => {
    const table: Table = { id: "t", title: "t", columns: [{ title: "a" }], rows: [["=1+1"]] };
    assert.deepEqual(parseCsv(tableCsv(table)), [["a"], ["'=1+1"]]);
  });

  test("in JSON hold rows, tables and what is missing", () => {
    const read = JSON.parse(reportJson(results, tables));
    assert.equal(read.rows.length, resultRows(results).length);
    assert.deepEqual(
      read.missing.map(({ run }: { run: string }) => run),
      ["g-sam-idd-lite-20min-2", "sam-baseline-camvid-60min-1"].toSorted((a, b) => order(a) - order(b)),
    );
    assert.equal(read.tables.length, tables.length);
    function order(id: string) {
      return results.runs.findIndex((run) => run.id === id);
    }
  });

  test("in Markdown have as many cells in each line", () => {
    const blocks = markdown(tables).split(/^### /m).slice(1);
    assert.equal(blocks.length, tables.length);
    for (const [i, block] of blocks.entries()) {
      const lines = block.split("\n").filter((line) => line.startsWith("|"));
      assert.equal(lines.length, tables[i]!.rows.length + 2);
      for (const line of lines) assert.equal(line.split(/(?<!\\)\|/).length, tables[i]!.columns.length + 2, line);
    }
    assert.ok(blocks[0]!.includes('Deep\\|Lab\\_V3 &amp; 50 % "x", {y}'));
  });

  test("in LaTeX have as many cells in each line, closed groups and no bare sign", () => {
    const text = latex(tables);
    assert.equal(text.split("\\begin{tabular}").length - 1, tables.length);
    assert.ok(text.includes('Deep\\textbar{}Lab\\_V3 \\& 50 \\% "x", \\{y\\}'));
    const bare = text.replace(/\\[\\{}$&#%_]/g, "");
    assert.equal(bare.split("{").length, bare.split("}").length);
    let columns = 0;
    for (const line of text.split("\n")) {
      columns = /\\begin\{tabular\}\{([lr]+)\}/.exec(line)?.[1]?.length ?? columns;
      if (line.endsWith(" \\\\")) assert.equal(line.split(/(?<!\\)&/).length, columns, line);
    }
    assert.doesNotMatch(text, /[−–×→≈≥≤]/);
  });
});

test("how much sooner is averaged on a logarithm, and not at all where a seed never gets there", () => {
  const seeds = (...ratios: (number | null)[]) => new Map(ratios.map((ratio, seed) => [seed, ratio]));
  const { value, interval } = soonerMean(seeds(0.5, 1, 2))!;
  assert.ok(Math.abs(value - 1) < 1e-12 && Math.abs(interval!.low * interval!.high - 1) < 1e-9);
  assert.equal(soonerMean(seeds(2, null)), null);
});

test("published figures each have a source, and shares are shares", () => {
  for (const { value, source } of publishedFigures) assert.ok(value > 0 && value < 1 && source.length > 5);
  const logged = publishedFigures.filter(({ source }) => source.includes("logs"));
  assert.deepEqual(
    logged.map(({ pictures, metric }) => `${pictures} ${(metric as { epoch: number }).epoch}`),
    ["1000 1", "1000 6", "1000 10", "1000 20", "1000 30", "500 48", "100 51"],
  );
  for (const { title, systems } of logged) // not the paper's attention
    assert.deepEqual([title, systems], ["AD-SAM, the authors' decoder", ["ad-sam-convolution"]]);
});

describe("curves of several seeds", () => {
  const curve = (...points: [number, number][]) => ({ points: points.map(([at, mIoU]) => ({ at, mIoU })) });

  test("over epochs stand where all seeds have validated", () => {
    const { line, band } = overEpochs([curve([1, 0.25], [2, 0.5], [3, 0.5]), curve([1, 0.75], [2, 0.5])]);
    assert.deepEqual(line, [
      [1, 0.5],
      [2, 0.5],
    ]);
    assert.deepEqual(band, [
      [1, 0.25, 0.75],
      [2, 0.5, 0.5],
    ]);
    assert.deepEqual(overEpochs([curve([1, 0.25])]).band, []);
  });

  test("of runs by minutes, which validate at other epochs each, are joined all the same", () => {
    const { line, band } = overEpochs([curve([10, 0.25], [20, 0.5]), curve([12, 0.5], [18, 0.75])]);
    assert.deepEqual(
      [line[0], line.at(-1)],
      [
        [12, (0.3 + 0.5) / 2],
        [18, (0.45 + 0.75) / 2],
      ],
    );
    assert.equal(band.length, line.length);
  });

  test("over minutes are straight between validations and end with the shortest seed", () => {
    const { line } = overMinutes([curve([1, 0], [3, 1]), curve([2, 0.5], [4, 0.5])]);
    assert.deepEqual(
      [line[0], line.at(-1)],
      [
        [2, 0.5],
        [3, 0.75],
      ],
    );
    assert.deepEqual(overMinutes([curve([1, 0.1], [2, 0.2]), curve([3, 0.3])]).line, []);
    const points = overMinutes([curve([3, 0.25]), curve([5, 0.75])]);
    assert.deepEqual([points.line, points.band], [[[4, 0.5]], [[4, 0.25, 0.75]]]);
  });
});

test("files are written, with the best, median and worst picture of a system", async () => {
  const folder = mkdtempSync(join(tmpdir(), "adsam-study-"));
  const size = { height: 6, width: 10 };
  const classes = {
    names: ["a", "b"],
    colours: [
      [255, 0, 0],
      [0, 0, 255],
    ] as [number, number, number][],
    ignoreIndex: 255 as const,
  };
  await sharp(new Uint8Array(180), { raw: { ...size, channels: 3 } })
    .png()
    .toFile(join(folder, "image.png"));
  await writePalette(join(folder, "label.png"), { data: new Uint8Array(60), size }, classes);
  await writePalette(join(folder, "prediction.png"), { data: new Uint8Array(60).fill(1), size }, classes);
  const results = madeUpResults();
  const files = { image: "image.png", label: "label.png", prediction: "prediction.png" };
  const scores = [0.3, 0.9, 0.5, 0.1, 0.7];
  for (const run of results.runs.filter(({ id }) => /^(ad-sam|g-sam)-camvid-60min-0$/.test(id)))
    run.pictures = scores.map((mIoU, i) => ({ id: `picture ${i}`, mIoU, ...files }));
  const [choice] = choosePictures(studyView(results));
  assert.deepEqual(
    choice!.own.slice(0, 3).map(({ rank, picture }) => [rank, picture.mIoU]),
    [
      ["best", 0.9],
      ["median", 0.5],
      ["worst", 0.1],
    ],
  );
  assert.deepEqual(
    choice!.shared.map(({ system, picture }) => [system, picture.id]),
    [
      ["ad-sam", "picture 2"],
      ["g-sam", "picture 2"],
    ],
  );
  const out = join(folder, "out");
  const written = await writeStudyReport(results, out, folder);
  assert.deepEqual(readdirSync(out).sort(), [
    "report.html",
    "report.json",
    "rows.csv",
    "tables",
    "tables.md",
    "tables.tex",
  ]);
  assert.equal(readdirSync(join(out, "tables")).length, written.csv.length - 1);
  assert.match(textOf(readFileSync(written.html, "utf8")), /Worst: picture 3\|seed 0\|mIoU 10\.0 %/);
  writeFileSync(join(folder, "prediction.png"), "no picture");
  await assert.rejects(writeStudyReport(results, out, folder), { name: "Problem", message: /prediction\.png/ });
});

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    lines.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end !== ",") lines.push([]);
  }
  assert.deepEqual(lines.pop(), []);
  return lines;
}

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { curvePoints } from "../src/report/curve-points.js";
import { drawCurves } from "../src/report/curves.js";
import { escapeHtml, html } from "../src/report/html.js";
import { big, bytes, percent } from "../src/report/numbers.js";
import { renderReport, writeReport } from "../src/report/page.js";
import { dataUri } from "../src/report/pictures.js";
import type { RunReport } from "../src/report/run-report.js";
import { paperRecipe, recipeToYaml } from "../src/train/recipe.js";

const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const jpeg = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0]);
const nasty = `<script src="https://evil.example/x.js"></script>'"&`;

function report(changes: Partial<RunReport> = {}): RunReport {
  const perClass = [
    { name: "road", colour: [128, 64, 128], iou: 0.875, share: 0.5 },
    { name: nasty, colour: [70, 70, 70], iou: 0.25, share: 0.0004 },
    { name: "train", colour: [0, 80, 100], iou: null, share: 0 },
  ] as const;
  const confusion = [90, 10, 0, 30, 70, 0, 0, 0, 0];
  const scores = { pictures: 7, mIoU: 0.5625, pixelAccuracy: 0.8, perClass, confusion };
  return {
    title: `A run & ${nasty}`,
    summary: nasty,
    when: new Date("2026-11-22T15:04:59Z"),
    machine: nasty,
    command: `adsam train --out "a<b"`,
    recipe: recipeToYaml(paperRecipe()),
    curves: [1, 2, 3].map((epoch) => ({
      epoch,
      trainLoss: 1 / epoch,
      lossParts: { focal: 0.5 / epoch, dice: 0.9 },
      valMIoU: epoch === 2 ? null : 0.2 * epoch,
      learningRates: { fusion: 2e-4 / epoch, resnet: 2e-5 / epoch },
    })),
    evaluations: [
      { dataset: "Structured", split: "val", ...scores },
      { dataset: nasty, split: "val", ...scores, mIoU: null },
    ],
    retention: { value: 0.78, from: "Structured", to: "Diverse" },
    pictures: [{ id: nasty, image: jpeg, label: png, prediction: png, errorMap: png, caption: nasty, mIoU: 0.61 }],
    model: {
      name: "ad-sam",
      parameters: { trained: 26_940_000, frozen: 637_000_000 },
      multiplyAdds: 2.4e12,
      input: { height: 512, width: 1024 },
    },
    timing: { totalSeconds: 268, trainSeconds: 201, picturesPerSecond: 14.2, peakResidentBytes: 1.9e9 },
    next: ["Try `adsam predict a<b`."],
    ...changes,
  };
}

/** The page without what may hold any text: what text nodes say is data, what stands in tags would be acted on. */
const tagsOf = (page: string) => page.match(/<[^>]*>/g) ?? [];

describe("the page", () => {
  const page = renderReport(report());

  test("refers to nothing outside itself", () => {
    for (const tag of tagsOf(page)) {
      assert.doesNotMatch(tag, /^<(script|link|iframe|object|embed|base)\b/i, tag);
      for (const [, value] of tag.matchAll(/\b(?:src|href|srcset|poster|action|xmlns(?::\w+)?|style)="([^"]*)"/g)) {
        assert.doesNotMatch(value!, /^(?!data:).*(\/\/|url\()/i, tag.slice(0, 200));
      }
    }
    const plain = renderReport(report({ ...withoutNasty() }));
    assert.equal(/.{0,60}(https?:|\/\/[a-z]|url\(|@import).{0,60}/i.exec(plain)?.[0], undefined);
    assert.match(plain, /default-src 'none'; img-src data:/);
  });

  test("escapes every text from outside", () => {
    assert.ok(!page.includes("<script"));
    assert.ok(page.split(escapeHtml(nasty)).length - 1 >= 8);
    assert.match(page, /<code>adsam train --out &quot;a&lt;b&quot;<\/code>/);
    assert.match(page, /<code>adsam predict a&lt;b<\/code>/);
  });

  test("shows scores, absent classes, retention and facts", () => {
    const text = page.replace(/<style>[\s\S]*?<\/style>/, "").replace(/<[^>]+>/g, "|");
    for (const said of [
      "56.3 %",
      "87.5 %",
      "absent",
      "&lt; 0.1 %",
      "0.78",
      "Structured → Diverse",
      "26.94 M",
      "637 M frozen",
    ]) {
      assert.ok(text.includes(said), said);
    }
    assert.ok(text.includes("512 × 1024 (height × width)") && text.includes("2.4 T multiply-adds a picture"));
    assert.ok(text.includes("4 min 28 s, 3 min 21 s of it training") && text.includes("2026-11-22 15:04 UTC"));
    assert.equal(page.match(/data:image\/png;base64,iVBORwECAw==/g)?.length, 3);
    assert.equal(page.match(/data:image\/jpeg;base64,\/9j\/4A==/g)?.length, 1);
  });

  test("the confusion matrix is per cent of each row", () => {
    const cells = [...page.matchAll(/class="on"[^>]*>(\d+)</g)].map(([, value]) => Number(value)).slice(0, 4);
    assert.deepEqual(cells, [90, 10, 30, 70]);
  });

  test("every tag that opens closes", () => {
    const open: string[] = [];
    for (const [, slash, name, selfClosed] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)\b(?:"[^"]*"|[^>"])*?(\/?)>/gi)) {
      if (selfClosed || ["meta", "img", "br"].includes(name!)) continue;
      if (slash) assert.equal(open.pop(), name);
      else open.push(name!);
    }
    assert.deepEqual(open, []);
  });

  test("sections without content are left out", () => {
    const bare = renderReport({ title: "Bare", when: new Date(0), machine: "m", command: "c", evaluations: [] });
    assert.doesNotMatch(bare, /What it sees|How it learned|Class by class|try next|The recipe/);
    assert.match(bare, /1970-01-01 00:00 UTC/);
  });

  test("the same report is the same page, byte for byte", () => {
    assert.ok(renderReport(report()) === page);
  });

  test("is written whole, into a folder that is made", () => {
    const folder = join(mkdtempSync(join(tmpdir(), "adsam-report-")), "a", "b");
    writeReport(join(folder, "report.html"), report());
    assert.deepEqual(readdirSync(folder), ["report.html"]);
    assert.ok(readFileSync(join(folder, "report.html"), "utf8") === page);
    assert.ok(!existsSync(join(folder, "report.html.partial")));
  });
});

test("a place that cannot be written is a Problem that names it", () => {
  const file = join(mkdtempSync(join(tmpdir(), "adsam-report-")), "file");
  writeFileSync(file, "");
  assert.throws(() => writeReport(join(file, "report.html"), report()), {
    name: "Problem",
    message: `${join(file, "report.html")} cannot be written: found a file where a folder should be. What was written before is whole; mend that, or choose another folder with --out.`,
  });
});

describe("curves", () => {
  const points = [1, 2, 3].map((x) => [x, x === 2 ? null : x / 10] as const);
  const draw = (changes = {}) =>
    drawCurves({
      label: 'a "b"',
      y: "percent",
      width: 370,
      height: 230,
      curves: [{ name: "c", colour: 3, points }],
      ...changes,
    });

  test("are SVG in the style sheet's colours alone", () => {
    const svg = draw({ peak: { x: 3, y: 0.3, text: "30 %" } });
    assert.match(svg, /^<svg role="img" aria-label="a &quot;b&quot;" /);
    assert.match(svg, /stroke="var\(--series-3\)"/);
    assert.doesNotMatch(svg, /#[0-9a-f]{3,6}|rgb\(|<style|class="zr|xmlns/i);
    assert.match(svg, />0 %<.*>30 %</s);
  });

  test("a gap is bridged: one line, from the first point to the last", () => {
    const lines = [...draw().matchAll(/<path d="([^"]+)"[^>]*stroke="var\(--series-3\)"/g)].map(([, d]) => d);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
  });

  test("one epoch is a dot, and a learning rate of 0 does not break the logarithm", () => {
    assert.match(draw({ curves: [{ name: "c", colour: 0, points: [[1, 0.5]] }] }), /fill="var\(--series-0\)"/);
    const svg = draw({
      y: "log",
      curves: [
        {
          name: "c",
          colour: 0,
          points: [
            [1, 1e-4],
            [2, 1e-5],
            [3, 0],
          ],
        },
      ],
    });
    assert.doesNotMatch(svg, /NaN|Infinity/);
    assert.match(svg, /1e−4/);
  });
});

test("the curves of a run are read back from its CSV log", () => {
  const path = join(mkdtempSync(join(tmpdir(), "adsam-curves-")), "log.csv");
  assert.deepEqual(curvePoints(path), []);
  writeFileSync(
    path,
    "epoch,step,lr.fusion,loss,loss.dice,valMIoU,iou.road\n1,4,0.0002,0.5,0.9,,\n2,8,0.0001,0.25,0.8,0.5,0.75\n3,12,0.0",
  );
  assert.deepEqual(curvePoints(path), [
    { epoch: 1, trainLoss: 0.5, lossParts: { dice: 0.9 }, valMIoU: null, learningRates: { fusion: 0.0002 } },
    { epoch: 2, trainLoss: 0.25, lossParts: { dice: 0.8 }, valMIoU: 0.5, learningRates: { fusion: 0.0001 } },
  ]);
});

describe("pieces", () => {
  test("the template escapes values, not markup of its own", () => {
    assert.equal(html`<b>${"<"}${[html`<i>${1}</i>`, null, "&"]}</b>`.toString(), "<b>&lt;<i>1</i>&amp;</b>");
  });

  test("pictures are bytes or data URIs, never addresses", () => {
    assert.throws(() => dataUri("https://example.org/a.png"), /bytes or a data URI/);
    assert.throws(() => dataUri("data:image/svg+xml,<svg onload=x>"), /bytes or a data URI/);
    assert.throws(() => dataUri(Uint8Array.from([1, 2, 3, 4])), /PNG or JPEG/);
  });

  test("numbers", () => {
    assert.deepEqual([812, 1264, 26_940_000, 637e6, 2.4e12].map(big), ["812", "1.264 k", "26.94 M", "637 M", "2.4 T"]);
    assert.deepEqual(
      [percent(0.6213), percent(null), bytes(5.12e8), bytes(2.43e9)],
      ["62.1 %", "–", "512 MB", "2.4 GB"],
    );
  });
});

function withoutNasty(): Partial<RunReport> {
  const { evaluations, pictures } = report();
  const [first] = evaluations;
  const perClass = first!.perClass.map((score) => ({ ...score, name: "class" }));
  return {
    title: "A run",
    summary: "Done.",
    machine: "a machine",
    evaluations: [{ ...first!, perClass }],
    pictures: pictures!.map((picture) => ({ ...picture, id: "a", caption: "b" })),
  };
}

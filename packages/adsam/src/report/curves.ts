import { CustomChart, LineChart, type LineSeriesOption } from "echarts/charts";
import { GridComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { bandSeries } from "./curve-band.js";
import { escapeHtml } from "./html.js";

echarts.use([CustomChart, LineChart, GridComponent, SVGRenderer]);

export type Dash = "solid" | "dashed" | "dotted" | "dash-dot";
export type Mark = "circle" | "triangle" | "rect" | "diamond";

export interface Curve {
  readonly name: string;
  /** One of the colour-blind-safe series colours of the style sheet (Okabe and Ito's), 0…7. */
  readonly colour: number;
  readonly dash?: Dash;
  readonly thin?: boolean;
  /** [x, y]; a null y is a gap the line bridges. */
  readonly points: readonly (readonly [number, number | null])[];
  /** Drawn at each point. */
  readonly mark?: Mark;
  /** [x, low, high]: what the line may lie between, drawn behind it. */
  readonly band?: readonly (readonly [number, number, number])[];
}

export interface CurveChart {
  /** Said to a screen reader in place of the drawing. */
  readonly label: string;
  readonly curves: readonly Curve[];
  readonly y: "percent" | "number" | "log";
  /** By default linear; `log` is labelled at the points alone. */
  readonly x?: "linear" | "log";
  readonly width: number;
  readonly height: number;
  /** A mark at one point of the first curve. */
  readonly peak?: { readonly x: number; readonly y: number; readonly text: string };
}

/** Stand-ins that echarts can parse; in the finished SVG each becomes the style sheet's variable, so that one drawing serves light and dark. */
const paint = { text: "#010101", grid: "#020202", surface: "#030303" } as const;
const seriesPaint = (colour: number) => `#0404${colour.toString(16).padStart(2, "0")}`;

/** The chart as inline SVG without script, without links, coloured by the page's style sheet. */
export function drawCurves({ label, curves, x = "linear", y, width, height, peak }: CurveChart): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  const xs = curves.flatMap((curve) => curve.points.map(([px]) => px));
  const axisText = { color: paint.text, fontSize: 12, fontFamily: "inherit" };
  chart.setOption({
    animation: false,
    grid: { left: 8, right: 14, top: 22, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: {
      ...(x === "log" ? logAxis(xs) : linearAxis(xs)),
      axisLine: { lineStyle: { color: paint.grid } },
      axisTick: { show: false },
      axisLabel: {
        ...axisText,
        hideOverlap: true,
        ...(x === "log" && { customValues: [...new Set(xs)] }),
        ...(x === "linear" && isShort(xs) && { showMaxLabel: false }),
      },
      splitLine: { show: false },
    },
    yAxis: {
      type: y === "log" ? "log" : "value",
      min: y === "percent" ? 0 : undefined,
      splitNumber: 4,
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...axisText, formatter: (value: number) => axisNumber(value, y) },
      splitLine: { lineStyle: { color: paint.grid, width: 1 } },
    },
    series: [
      ...curves.flatMap(({ band, colour }) => (band && band.length > 1 ? [bandSeries(band, seriesPaint(colour))] : [])),
      ...curves.map((curve) => lineSeries(curve, y)),
    ],
  });
  let svg = chart.renderToSVGString();
  if (peak !== undefined) {
    const [px, py] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [peak.x, peak.y]) as [number, number];
    svg = svg.replace("</svg>", `${mark(px, py, peak.text, width)}</svg>`);
  }
  chart.dispose();
  return pageColours(svg, label);
}

function lineSeries({ points, mark: symbol, colour, thin, dash }: Curve, y: CurveChart["y"]): LineSeriesOption {
  return {
    type: "line",
    data: points.map(([px, py]) => [px, y === "log" && py !== null && py <= 0 ? null : py]),
    connectNulls: true,
    showSymbol: symbol !== undefined || points.filter(([, py]) => py !== null).length < 2,
    symbol: symbol ?? "circle",
    symbolSize: symbol === undefined ? 7 : 9,
    color: seriesPaint(colour),
    lineStyle: {
      width: thin ? 1.5 : 2.5,
      type: dash === "dash-dot" ? [9, 4, 1.5, 4] : (dash ?? "solid"),
      color: seriesPaint(colour),
      cap: "round",
    },
  };
}

/** Whole numbers; where all points lie below 1 they end the axis, and would otherwise crowd at its beginning. */
function linearAxis(xs: readonly number[]) {
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  if (isShort(xs)) return { type: "value", min: 0, max: most } as const;
  const max = Math.ceil(most);
  return { type: "value", min: Math.min(Math.floor(least), max - 1), max, minInterval: 1 } as const;
}

const isShort = (xs: readonly number[]): boolean => Math.max(...xs) < 1;

/** A little wider than the points, whose marks would stand on its ends. */
function logAxis(xs: readonly number[]) {
  return { type: "log", min: Math.min(...xs) * 0.9, max: Math.max(...xs) * 1.1 } as const;
}

function mark(x: number, y: number, text: string, width: number): string {
  const anchor = x > width * 0.75 ? "end" : x < width * 0.25 ? "start" : "middle";
  return (
    `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4.5" fill="${paint.surface}" stroke="${seriesPaint(0)}" stroke-width="2.5"/>` +
    `<text x="${x.toFixed(1)}" y="${(y - 10).toFixed(1)}" text-anchor="${anchor}" class="peak">${escapeHtml(text)}</text>`
  );
}

/** Stand-ins → variables; what only a free-standing or clickable SVG needs goes: the namespace (an address), hover styles, clips. */
function pageColours(svg: string, label: string): string {
  return svg
    .replace(/ xmlns(:\w+)?="[^"]*"/g, "")
    .replace(/<style[\s\S]*?<\/style>|<defs[\s\S]*?<\/defs>| clip-path="[^"]*"/g, "")
    .replace(/ (class="zr[^"]*"|pointer-events="visible"|xml:space="preserve"|version="1.1"|baseProfile="full")/g, "")
    .replace("<svg ", () => `<svg role="img" aria-label="${escapeHtml(label)}" `) // a label may hold $&
    .replaceAll(/#0404([0-9a-f]{2})/gi, (_, colour) => `var(--series-${Number.parseInt(colour, 16)})`)
    .replaceAll(paint.text, "var(--soft)")
    .replaceAll(paint.grid, "var(--line)")
    .replaceAll(paint.surface, "var(--surface)");
}

function axisNumber(value: number, y: CurveChart["y"]): string {
  if (y === "percent") return `${Math.round(value * 100)} %`;
  if (y === "log") return value.toExponential(0).replace("e-", "e−").replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}

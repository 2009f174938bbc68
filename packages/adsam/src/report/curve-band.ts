import type { CustomSeriesOption } from "echarts/charts";

type Band = readonly (readonly [x: number, low: number, high: number])[];

/** An area between two lines, as one polygon: stacking two area charts instead would need both on the same x and above 0. */
export function bandSeries(band: Band, colour: string): CustomSeriesOption {
  return {
    type: "custom",
    silent: true,
    z: 1,
    data: [[band[0]![0], band[0]![1]]],
    renderItem: (_params, api) => {
      const upper = band.map(([x, , high]) => api.coord([x, high]));
      const lower = band.map(([x, low]) => api.coord([x, low])).reverse();
      return {
        type: "polygon",
        shape: { points: [...upper, ...lower] },
        style: { fill: colour, opacity: 0.16 },
      };
    },
  };
}

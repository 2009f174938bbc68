/** The permutohedral lattice as Adams, Baek & Davis (2010, §4) tell it, vertex by vertex in a map: slow, and what the kernel is held against. */

interface Corner {
  readonly vertex: string;
  readonly weight: number;
}

/** The vertices around a place, all d + 1 coordinates of each, and their barycentric weights. */
function corners(feature: readonly number[]): Corner[] {
  const d = feature.length;
  const scaled = feature.map((f, i) => (f * Math.sqrt(2 / 3) * (d + 1)) / Math.sqrt((i + 1) * (i + 2)));
  // Into the hyperplane x·1 = 0: column i of the basis is (1, …, 1, −i, 0, …, 0).
  const elevated = Array.from({ length: d + 1 }, (_, i) => {
    const above = scaled.slice(i).reduce((sum, s) => sum + s, 0);
    return i === 0 ? above : above - i * scaled[i - 1]!;
  });
  // The nearest point of remainder 0: multiples of d + 1, moved back to the hyperplane where the differences are greatest.
  const nearest = elevated.map((x) => (d + 1) * Math.round(x / (d + 1)));
  const byRest = (sign: number) =>
    elevated
      .map((x, i) => ({ i, rest: sign * (x - nearest[i]!) }))
      .sort((a, b) => b.rest - a.rest)
      .map(({ i }) => i);
  const excess = nearest.reduce((sum, x) => sum + x, 0) / (d + 1);
  const order = byRest(excess > 0 ? -1 : 1);
  for (let k = 0; k < Math.abs(excess); k++) nearest[order[k]!]! -= Math.sign(excess) * (d + 1);
  // Sorted rests b_0 ≥ … ≥ b_d: vertex k of the simplex has weight (b_{d−k} − b_{d+1−k})/(d + 1), the first what is left.
  const sorted = byRest(1);
  const rest = (rank: number) => (elevated[sorted[rank]!]! - nearest[sorted[rank]!]!) / (d + 1);
  return Array.from({ length: d + 1 }, (_, k) => {
    const vertex = [...nearest];
    sorted.forEach((i, rank) => {
      vertex[i]! += rank <= d - k ? k : k - (d + 1);
    });
    const weight = k === 0 ? 1 + rest(d) - rest(0) : rest(d - k) - rest(d + 1 - k);
    return { vertex: vertex.join(), weight };
  });
}

/** One channel: values [N], features [N][d] divided by their deviations → [N]. */
export function permutohedralReference(values: readonly number[], features: readonly (readonly number[])[]): number[] {
  const d = features[0]!.length;
  const places = features.map(corners);
  let map = new Map<string, number>();
  places.forEach((own, i) => {
    for (const { vertex, weight } of own) map.set(vertex, (map.get(vertex) ?? 0) + weight * values[i]!);
  });
  for (let axis = 0; axis <= d; axis++) {
    const at = (vertex: number[], step: number) =>
      map.get(vertex.map((x, i) => x + step * (i === axis ? -d : 1)).join()) ?? 0;
    map = new Map(
      [...map].map(([key, own]) => {
        const vertex = key.split(",").map(Number);
        return [key, own + (at(vertex, 1) + at(vertex, -1)) / 2];
      }),
    );
  }
  const gain = 1 / (1 + 2 ** -d);
  return places.map((own) => own.reduce((sum, { vertex, weight }) => sum + gain * weight * map.get(vertex)!, 0));
}

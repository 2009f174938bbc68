/** The entries of a state whose names begin so, without that beginning. */
export function under<T>(state: ReadonlyMap<string, T>, start: string): Map<string, T> {
  const inside = [...state].filter(([name]) => name.startsWith(start));
  return new Map(inside.map(([name, value]) => [name.slice(start.length), value]));
}

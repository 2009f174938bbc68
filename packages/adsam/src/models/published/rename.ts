/**
 * One line of a table of names: a tensor's name there, and here. `#` stands for a number and `*` for the rest of a name; what they stand for
 * is put in their places on the other side, in order.
 */
export type Renaming = readonly [from: string, to: string];

/** A function from names to names after a table; undefined for a name that no line of it matches. */
export function renamer(table: readonly Renaming[]): (name: string) => string | undefined {
  const lines = table.map(([from, to]) => ({ pattern: patternOf(from), to: to.split(/([#*])/) }));
  return (name) => {
    for (const { pattern, to } of lines) {
      const found = pattern.exec(name);
      if (found === null) continue;
      const parts = found.slice(1);
      return to.map((piece) => (piece === "#" || piece === "*" ? parts.shift() : piece)).join("");
    }
    return undefined;
  };
}

function patternOf(from: string): RegExp {
  const source = from
    .split(/([#*])/)
    .map((piece) => (piece === "#" ? "(\\d+)" : piece === "*" ? "(.+)" : piece.replaceAll(".", "\\.")))
    .join("");
  return new RegExp(`^${source}$`);
}

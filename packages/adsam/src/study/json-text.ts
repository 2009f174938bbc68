/**
 * JSON for people and for diffs: a line an entry of the whole, and where an entry is a list of objects, a line an element. A confusion
 * matrix stays on the line of its run.
 */
export function jsonText(whole: object): string {
  const lines = Object.entries(whole)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${JSON.stringify(key)}: ${isList(value) ? list(value) : JSON.stringify(value)}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}

const isList = (value: unknown): value is readonly object[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object" && one !== null);

const list = (elements: readonly object[]): string =>
  `[\n${elements.map((one) => ` ${JSON.stringify(one)}`).join(",\n")}\n]`;

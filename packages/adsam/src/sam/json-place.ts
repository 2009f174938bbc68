/** Line and column, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

const space = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them within strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const literal = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;

/** Thrown inside this file to leave the walk. */
class Stop extends Error {
  constructor(readonly at: number) {
    super();
  }
}

/**
 * Where a text ceases to be JSON: `JSON.parse` says so only of some mistakes, and each version in other words.
 * @returns undefined for text that is JSON
 */
export function jsonMistake(text: string): Place | undefined {
  try {
    const end = skip(text, value(text, skip(text, 0)));
    if (end === text.length) return undefined;
    return placeOf(text, end);
  } catch (error) {
    if (error instanceof Stop) return placeOf(text, error.at);
    if (error instanceof RangeError) return { line: 1, column: 1 }; // brackets without end: the stack was used up
    throw error;
  }
}

/** The position after the value that begins at `at`. */
function value(text: string, at: number): number {
  if (text[at] === "{")
    return list(text, at, "}", (start) => {
      const colon = skip(text, match(string, text, start));
      if (text[colon] !== ":") throw new Stop(colon);
      return value(text, skip(text, colon + 1));
    });
  if (text[at] === "[") return list(text, at, "]", (start) => value(text, start));
  return match(text[at] === '"' ? string : literal, text, at);
}

function list(text: string, open: number, close: string, item: (at: number) => number): number {
  let at = skip(text, open + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = skip(text, item(at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ",") throw new Stop(at);
    at = skip(text, at + 1);
  }
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  if (!pattern.test(text)) throw new Stop(at);
  return pattern.lastIndex;
}

const skip = (text: string, at: number): number => match(space, text, at);

function placeOf(text: string, at: number): Place {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

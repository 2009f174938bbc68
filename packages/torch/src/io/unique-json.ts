import { Problem } from "../problem.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** Values and containers of one text: ten for each of 150 000 tensors. Each may become an object of 100 bytes and more. */
const MAX_VALUES = 1_500_000;
const MAX_DEPTH = 4;

/**
 * Parses JSON that comes from a file and refuses what `JSON.parse` lets pass: a key that stands twice in one object (the last would win, so
 * that two readers could see two different files), nesting deeper than four, and more values than any header has.
 */
export function parseJsonWithUniqueKeys(bytes: Uint8Array, what: string): unknown {
  checkStructure(bytes, what);
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    const found = error instanceof SyntaxError ? "text that is no JSON" : "bytes that are no UTF-8";
    throw new Problem(
      { what, found, expected: "JSON in UTF-8", todo: "The file is damaged; fetch it again." },
      { cause: error },
    );
  }
  checkKeys(text, what);
  return value;
}

/** Depth and number of values, counted before anything is made of them. Text that is no JSON at all is left to the parser. */
function checkStructure(bytes: Uint8Array, what: string): void {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
        break;
      case COMMA:
        values++;
        break;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        values++;
        depth++;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        depth--;
    }
    if (depth > MAX_DEPTH)
      throw new Problem({ what, found: "values nested deeper than four", expected: "a flat header" });
    if (values > MAX_VALUES)
      throw new Problem({ what, found: `more than ${MAX_VALUES} values`, expected: "a header of tensors" });
  }
}

/** One walk over text already known to be JSON: strings are jumped over, and a string before a colon is a key. */
function checkKeys(text: string, what: string): void {
  const open: (Set<string> | undefined)[] = []; // the keys of each open object; undefined for an open array
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case "{":
        open.push(new Set());
        break;
      case "[":
        open.push(undefined);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case '"': {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (keys !== undefined && text[afterSpace(text, end)] === ":") {
          const key = JSON.parse(text.slice(at, end)) as string;
          if (keys.has(key)) {
            throw new Problem({ what, found: `the name ${JSON.stringify(key)} twice`, expected: "each name once" });
          }
          keys.add(key);
        }
        at = end - 1;
      }
    }
  }
}

function afterSpace(text: string, start: number): number {
  let at = start;
  while (" \t\n\r".includes(text[at] ?? "x")) at++;
  return at;
}

/** The position after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

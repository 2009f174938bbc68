/** One argument of an operator's schema, e.g. `int[2] stride=1`. */
export interface SchemaArgument {
  readonly name: string;
  /** The type without optionality, alias marks and list length: `Tensor`, `int`, `int[]`, `Tensor?[]`, `Scalar`, `ScalarType`, … */
  readonly type: string;
  readonly optional: boolean;
  /** `int[2]` takes one number for all. */
  readonly fixedLength: boolean;
  readonly keywordOnly: boolean;
  readonly hasDefault: boolean;
}

export interface Schema {
  readonly name: string;
  readonly overload: string;
  readonly arguments: readonly SchemaArgument[];
  /** `Tensor`, `Tensor[]`, `int`, … ; an alias that is written is `self`-like and marked `!`. */
  readonly returns: readonly string[];
}

/** Parses the text libtorch prints for a schema: `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`. */
export function parseSchema(text: string): Schema {
  const match = /^(\w+::\w+)(?:\.(\w+))?\((.*)\) -> (.*)$/s.exec(text.trim());
  if (!match) throw new Error(`not an operator schema: ${text}`);
  const [, name, overload, args, returns] = match as unknown as [string, string, string | undefined, string, string];
  let keywordOnly = false;
  const parsed: SchemaArgument[] = [];
  for (const part of splitTop(args)) {
    if (part === "*") keywordOnly = true;
    else parsed.push(parseArgument(part, keywordOnly));
  }
  const returnParts =
    returns.startsWith("(") && returns.endsWith(")") && !returns.startsWith("(a")
      ? splitTop(returns.slice(1, -1))
      : [returns];
  return {
    name,
    overload: overload ?? "",
    arguments: parsed,
    returns: returnParts.map((part) => stripAlias(part.split(" ")[0] === part ? part : typePart(part))),
  };
}

function typePart(part: string): string {
  const space = part.lastIndexOf(" ");
  return /\)$|\]$/.test(part) && !/ \w+$/.test(part) ? part : part.slice(0, space);
}

function stripAlias(type: string): string {
  const written = /\(\w+!( -> .*?)?\)/.test(type);
  return type.replace(/\([^)]*\)/g, "") + (written ? "!" : "");
}

function parseArgument(part: string, keywordOnly: boolean): SchemaArgument {
  const match = /^(.+?) (\w+)(?:=(.*))?$/s.exec(part.replace(/\(\w+( -> \*)?!?( -> [^)]*)?\)/g, ""));
  if (!match) throw new Error(`not a schema argument: ${part}`);
  const [, rawType, name, defaultValue] = match as unknown as [string, string, string, string | undefined];
  const optional = rawType.endsWith("?");
  const type = (optional ? rawType.slice(0, -1) : rawType).replace("SymInt", "int");
  return {
    name,
    type: type.replace(/\[\d+\]/, "[]"),
    optional,
    fixedLength: /\[\d+\]/.test(type),
    keywordOnly,
    hasDefault: defaultValue !== undefined,
  };
}

/** Splits at commas outside brackets and quotes. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let part = "";
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    if (!quoted && "([".includes(char)) depth++;
    if (!quoted && ")]".includes(char)) depth--;
    if (char === "," && depth === 0 && !quoted) {
      parts.push(part.trim());
      part = "";
    } else part += char;
  }
  if (part.trim()) parts.push(part.trim());
  return parts;
}

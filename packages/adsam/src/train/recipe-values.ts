import { z } from "zod";

/** What a kind of value tells about itself: `type` is short, for `--help`; `expects` completes the sentence "expected …" of an error. */
export interface ValueMeta {
  readonly type: string;
  readonly expects: string;
  /** How the value is written on the command line when it is more than one scalar. */
  readonly form?: "text" | "list" | "size";
  /** A path: inputs named by a recipe file are relative to that file, outputs to the current folder. */
  readonly path?: "input" | "output";
  /** Values of a path that are none. */
  readonly names?: readonly string[];
  /** Keys of a value that is a map. */
  readonly keys?: readonly string[];
}

/** A recipe's field: the kind of value, the default (the paper's where the paper has one) and one line of description. */
export function field<S extends z.ZodType>(kind: S, value: z.output<S>, description: string) {
  return kind.default(value as never).meta({ ...valueMeta(kind), description });
}

/** What `kind` tells about itself. */
export function valueMeta(kind: z.ZodType): ValueMeta {
  return kind.meta() as unknown as ValueMeta;
}

function tell<S extends z.ZodType>(kind: S, meta: ValueMeta): S {
  return kind.meta({ ...meta }) as S;
}

/** A number above 0. */
export const positive = () => tell(z.number().positive(), { type: "number", expects: "a number above 0" });

/** A number, 0 or more. */
export const notNegative = () => tell(z.number().nonnegative(), { type: "number", expects: "a number, 0 or more" });

/** A number in [0, 1]. */
export const fraction = () => tell(z.number().min(0).max(1), { type: "number", expects: "a number from 0 to 1" });

/** A number in [0, 1): a decay rate or a momentum. */
export const rate = () => tell(z.number().min(0).lt(1), { type: "number", expects: "a number from 0 to below 1" });

/** A whole number, `least` or more. */
export const count = (least: number) =>
  tell(z.int().min(least), { type: "integer", expects: `a whole number, ${least} or more` });

/** A whole number that is a multiple of `step`. */
export const multipleOf = (step: number) =>
  tell(z.int().positive().multipleOf(step), { type: "integer", expects: `a multiple of ${step}` });

export const flag = () => tell(z.boolean(), { type: "boolean", expects: "true or false" });

export const oneOf = <const T extends readonly [string, ...string[]]>(names: T) =>
  tell(z.enum(names), { type: names.join("|"), expects: `one of ${names.join(", ")}`, form: "text" });

export const text = (what: string) => tell(z.string().min(1), { type: "text", expects: what, form: "text" });

export const matching = (pattern: RegExp, type: string, expects: string) =>
  tell(z.string().regex(pattern), { type, expects, form: "text" });

/** A file or folder that is read. */
export const inputPath = (what: string) =>
  tell(z.string().min(1), { type: "path", expects: `the path of ${what}`, form: "text", path: "input" });

/** One of these names, or the path of a file; what has neither a dot nor a slash was meant as a name. @param type where the names are too many for a line of help */
export const nameOrPath = (names: readonly string[], what: string, type = `${names.join("|")}|path`) =>
  tell(
    z.string().refine((value) => names.includes(value) || /[./\\]/.test(value)),
    {
      type,
      expects: `${names.length > 1 ? "one of " : ""}${names.join(", ")}, or the path of ${what}, which has a slash or a point in it`,
      form: "text",
      path: "input",
      names,
    },
  );

/** Whether this value of a field is a path to be read, and so relative to where it was written. */
export function isInputPath({ path, names }: ValueMeta, value: unknown): value is string {
  return path === "input" && typeof value === "string" && !names?.includes(value);
}

/** A folder that is written. */
export const outputPath = (what: string) =>
  tell(z.string().min(1), { type: "path", expects: `the path of ${what}`, form: "text", path: "output" });

/** `{ height, width }` in pixels, multiples of `step`; also written `512x1024` (height first) or, for a square, `512`. */
export const size = (step: number) =>
  tell(
    z.preprocess(
      readSize,
      z.strictObject({ height: z.int().positive().multipleOf(step), width: z.int().positive().multipleOf(step) }),
    ),
    {
      type: "HxW",
      expects: `{ height, width } in pixels, multiples of ${step}`,
      form: "size",
      keys: ["height", "width"],
    },
  );

/** A list of any length, not empty. */
export const listOf = <S extends z.ZodType>(item: S) =>
  tell(z.array(item).min(1), {
    type: `${valueMeta(item).type},…`,
    expects: `a list, each item ${valueMeta(item).expects}`,
    form: "list",
  });

/** Two values in a fixed order, named for the error. */
export const pairOf = <S extends z.ZodType>(item: S, names: string) =>
  tell(z.tuple([item, item]), inOrder(item, 2, names));

/** Three values in a fixed order. */
export const tripleOf = <S extends z.ZodType>(item: S, names: string) =>
  tell(z.tuple([item, item, item]), inOrder(item, 3, names));

function inOrder(item: z.ZodType, count: number, names: string): ValueMeta {
  const { type, expects } = valueMeta(item);
  return { type: Array(count).fill(type).join(","), expects: `[${names}], each ${expects}`, form: "list" };
}

/** A map of numbers under fixed keys. */
export const mapOf = <const K extends readonly [string, ...string[]]>(keys: K, item: ReturnType<typeof notNegative>) =>
  tell(z.strictObject(Object.fromEntries(keys.map((key) => [key, item])) as Record<K[number], typeof item>), {
    type: "map",
    expects: `{ ${keys.join(", ")} }, each ${valueMeta(item).expects}`,
    keys,
  });

export function orNull<S extends z.ZodType>(kind: S) {
  const meta = valueMeta(kind);
  return tell(kind.nullable(), { ...meta, type: `${meta.type}|null`, expects: `${meta.expects}, or null` });
}

/** The value, or "auto": found out when the run starts. */
export function orAuto<S extends z.ZodType>(kind: S) {
  const meta = valueMeta(kind);
  return tell(z.union([z.literal("auto"), kind]), {
    ...meta,
    type: `auto|${meta.type}`,
    expects: `${meta.expects}, or auto`,
  });
}

/** `512x1024` or `512` → `{ height, width }`; anything else is left for the schema to judge. */
export function readSize(value: unknown): unknown {
  if (typeof value === "number") return { height: value, width: value };
  const match = typeof value === "string" ? /^(\d+)(?:\s*[x×]\s*(\d+))?$/.exec(value.trim()) : null;
  if (match === null) return value;
  const height = Number(match[1]);
  return { height, width: match[2] === undefined ? height : Number(match[2]) };
}

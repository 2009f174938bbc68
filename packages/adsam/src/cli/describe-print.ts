import type { Size } from "../data/picture.js";
import type { ModuleDescription, NetworkDescription } from "../describe/modules.js";
import { countingRule } from "../describe/multiply-adds.js";
import type { Progress } from "../train/checkpoint.js";
import { counted } from "./data-print.js";
import type { Output } from "./output.js";

/** What `adsam describe --json` prints. */
export interface Described extends Subject {
  readonly parameters: { readonly trained: number; readonly frozen: number };
  readonly multiplyAdds: number;
  readonly countingRule: string;
  readonly weightBytes: NetworkDescription["weightBytes"];
  readonly uncountedOperators: NetworkDescription["uncounted"];
  readonly modules: ModuleDescription;
}

interface Subject {
  /** The file; where none was named, `the paper's network` and the like. */
  readonly of: string;
  readonly input: Size;
  readonly numClasses: number;
  /** Of a checkpoint; null where it does not tell. */
  readonly progress?: Progress | null;
}

export function describedAs({ root, weightBytes, uncounted }: NetworkDescription, subject: Subject): Described {
  const { parameters, multiplyAdds } = root;
  const totals = { parameters, multiplyAdds, countingRule, weightBytes, uncountedOperators: uncounted };
  return { ...subject, ...totals, modules: root };
}

/** The tree down to a depth, each module with what is below it, and the totals. */
export function printDescription(described: Described, depth: number, output: Output): void {
  const { modules, parameters, multiplyAdds, weightBytes, input, progress } = described;
  const { bold, dim } = output.colours;
  output.line(
    `${bold(described.of)}  ${dim(`one picture of ${input.width}×${input.height} (width×height), ${described.numClasses} classes`)}`,
  );
  if (progress) {
    const best = progress.best
      ? `, best mIoU ${(100 * progress.best.mIoU).toFixed(1)} % after epoch ${progress.best.epoch}`
      : "";
    output.line(dim(`trained for ${counted(progress.epoch, "epoch")}, ${counted(progress.step, "step")}${best}`));
  } else if (progress === null) {
    output.line(dim("weights from elsewhere; how they were trained is not known"));
  }
  output.line();
  output.table(
    [
      { title: "module" },
      { title: "type" },
      { title: "output" },
      { title: "parameters", align: "right" },
      { title: "frozen", align: "right" },
      { title: "multiply-adds", align: "right" },
      { title: "share", align: "right" },
    ],
    [...rows(modules, 0, depth)].map(({ level, module }) => {
      const { trained, frozen } = module.parameters;
      const cells = [
        "  ".repeat(level) + (module.name || "network"),
        module.type,
        shapeText(module.output),
        quantity(trained + frozen),
        quantity(frozen),
        quantity(module.multiplyAdds),
        `${((100 * module.multiplyAdds) / Math.max(1, multiplyAdds)).toFixed(1)} %`,
      ];
      return cells.map((cell, i) => (i > 2 && /^0( %|\.0 %)?$/.test(cell) ? dim(cell) : cell));
    }),
  );
  const all = parameters.trained + parameters.frozen;
  const bytes = weightBytes.trained + weightBytes.frozen + weightBytes.buffers;
  output.line();
  output.line(
    `${bold("parameters")}     ${exact(all)}, of which ${exact(parameters.trained)} are trained and ${exact(parameters.frozen)} frozen`,
  );
  output.line(`${bold("weights")}        ${quantity(bytes)}B in memory, float32`);
  output.line(`${bold("multiply-adds")}  ${quantity(multiplyAdds)} (${exact(multiplyAdds)})`);
  output.line();
  output.line(dim(`${countingRule}.`));
}

function* rows(
  module: ModuleDescription,
  level: number,
  depth: number,
): Generator<{ level: number; module: ModuleDescription }> {
  yield { level, module };
  if (level < depth) for (const child of module.children) yield* rows(child, level + 1, depth);
}

function shapeText(output: ModuleDescription["output"]): string {
  if (output === null) return "";
  if (Array.isArray(output)) return output.join("×");
  return `${Object.keys(output).length} maps`;
}

/** `4.09 G`, `637 M`, `512`: three digits that count. */
export function quantity(value: number): string {
  const units = ["", " k", " M", " G", " T", " P"];
  let power = 0;
  while (power < units.length - 1 && Number((value / 1000 ** power).toPrecision(3)) >= 1000) power++;
  return `${power === 0 ? value : (value / 1000 ** power).toPrecision(3)}${units[power]}`;
}

const exact = (value: number): string => value.toLocaleString("en-US");

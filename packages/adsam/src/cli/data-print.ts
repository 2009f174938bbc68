import type { Inspection } from "../data/inspect.js";
import type { Output } from "./output.js";

const most = 12;

/** An inspection for people: what there is, how much of each class, and what is wrong. */
export function printInspection(output: Output, inspection: Inspection, faults: readonly string[]): void {
  const { name, split, division, root, pictures, labels, sizes, ignoredShare, ids, classes } = inspection;
  const { bold, dim } = output.colours;
  output.line(`${bold(`${name}, ${split}`)}  ${dim(root)}`);
  printDivision(output, division);
  output.line(
    `${counted(pictures, "picture")}, ${counted(labels, "label")}; ${percent(ignoredShare)} of the labelled pixels are ignored`,
  );
  const shown = sizes.slice(0, 4).map((size) => `${size.width}×${size.height} (${size.pictures})`);
  if (shown.length > 0) {
    const rest = sizes.length > shown.length ? ` and ${sizes.length - shown.length} more` : "";
    output.line(`sizes, width×height: ${shown.join(", ")}${rest}`);
  }
  if (ids.length > 0) {
    output.line();
    output.table(
      [
        { title: "class" },
        { title: "pixels", align: "right" },
        { title: "share", align: "right" },
        { title: "files", align: "right" },
      ],
      classes.map((entry) => {
        const row = [entry.name, String(entry.pixels), percent(entry.share), String(entry.files)];
        return entry.pixels === 0 ? row.map(dim) : row;
      }),
    );
    const ignored = ids.filter(({ trainId }) => trainId === 255).map(({ id, name: of }) => `${id} ${of}`);
    if (ignored.length > 0) output.line(`\nignored ids found: ${ignored.join(", ")}`);
  }
  output.line();
  printFaults(output, faults);
}

/** How the split came about, where the data set does not say. */
export function printDivision(output: Output, division: string | undefined): void {
  if (division !== undefined) output.line(`split: ${division}`);
}

/** The faults, the first dozen of many; or that there are none. */
export function printFaults(output: Output, faults: readonly string[]): void {
  const { green, red } = output.colours;
  if (faults.length === 0) output.line(green("nothing wrong found"));
  for (const fault of faults.slice(0, most)) output.line(`${red("wrong:")} ${fault}`);
  if (faults.length > most) output.line(`… and ${faults.length - most} more; --json lists all`);
}

/** `1 picture`, `2 pictures`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function percent(share: number): string {
  return share > 0 && share < 0.0001 ? "< 0.01 %" : `${(100 * share).toFixed(2)} %`;
}

import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import type { ClassTable } from "../data/labels.js";
import { refuseTargets } from "./existing.js";
import type { PredictionInput } from "./inputs.js";
import type { PictureOutputs } from "./jobs.js";
import { cityscapesIds, trainIds } from "./label-ids.js";
import { type SubmissionForm, submissionFolder, submissionIds } from "./submission/form.js";

export interface OutputOptions {
  /** Folder; made where it is not there. */
  readonly out: string;
  /** Whether `_ids.png` is written. Default: yes. */
  readonly ids?: boolean;
  /** Whether `_overlay.png` (and a video's `_overlay.mp4`) is written. Default: yes. */
  readonly overlay?: boolean;
  readonly overlayFormat?: "png" | "jpg";
  /** How strongly the colours cover the picture: 0 not at all, 1 wholly. Default: 0.5. */
  readonly alpha?: number;
  /** Ids as a palette PNG, in colours to look at, the indices still being the ids. */
  readonly palette?: boolean;
  /** Cityscapes' own ids instead of train ids. */
  readonly labelIds?: boolean;
  /** Id pictures as a benchmark's server takes them, in a folder of their own; overlays only where they are asked for. */
  readonly format?: SubmissionForm;
}

/** The files of a run's outputs. */
export interface OutputPlan {
  readonly idForm: PictureOutputs["idForm"];
  readonly alpha: number;
  /** Relative to the folder; undefined: not written. */
  names(input: PredictionInput): { ids?: string; overlay?: string };
  /** The same for the thread that writes: absolute, with all it needs to know. */
  of(input: PredictionInput): PictureOutputs;
  absolute(name: string): string;
}

export const summaryName = "predictions.json";

/** @throws Problem for an alpha outside 0…1, and for Cityscapes' ids with other classes */
export function planOutputs(classes: ClassTable, options: OutputOptions): OutputPlan {
  const { out, format, ids = true, overlayFormat = "png", alpha = 0.5, palette = false } = options;
  const { overlay = format === undefined } = options;
  if (!(alpha >= 0 && alpha <= 1))
    throw new Problem({
      what: "--alpha",
      found: String(alpha),
      expected: "0 (the picture only) to 1 (the colours only)",
    });
  if (format !== undefined) refuseBesideFormat(format, options);
  const idForm = format
    ? submissionIds(format, classes)
    : options.labelIds
      ? cityscapesIds(classes)
      : trainIds(classes);
  const absolute = (name: string): string => path.resolve(out, name);
  const names = ({ kind, name }: PredictionInput) => {
    const picture = kind === "picture";
    return {
      ...(ids && picture && { ids: format ? `${submissionFolder(format)}/${name}.png` : `${name}_ids.png` }),
      ...(overlay && { overlay: `${name}_overlay.${picture ? overlayFormat : "mp4"}` }),
    };
  };
  return {
    idForm,
    alpha,
    names,
    absolute,
    of(input) {
      const own = names(input);
      const idsFile = own.ids === undefined ? undefined : absolute(own.ids);
      const overlayFile = own.overlay === undefined ? undefined : absolute(own.overlay);
      return { idsFile, overlayFile, idForm, palette, overlayFormat, classes, alpha };
    },
  };
}

function refuseBesideFormat(format: SubmissionForm, { ids, palette, labelIds }: OutputOptions): void {
  const given = Object.entries({ "--no-ids": ids === false, "--palette": palette, "--label-ids": labelIds });
  const other = given.find(([, isGiven]) => isGiven)?.[0];
  if (other === undefined) return;
  throw new Problem({
    what: `--format ${format}`,
    found: other,
    expected: "grey id pictures with the server's own numbers",
    todo: "Leave one of the two out.",
  });
}

/** @throws Problem where a file that the run would write is there already, or is one of its inputs */
export async function refuseExisting(
  inputs: readonly PredictionInput[],
  plan: OutputPlan,
  overwrite: boolean,
): Promise<void> {
  const targets = [summaryName, ...inputs.flatMap((input) => Object.values(plan.names(input)))].map(plan.absolute);
  await refuseTargets(targets, inputs, overwrite);
}

/** How a system is drawn: the same colour, dash and mark wherever it stands, so that no two are told apart by colour alone. */

import { lineSample as drawSample } from "../../report/chart-card.js";
import type { Curve, Mark } from "../../report/curves.js";
import type { Html } from "../../report/html.js";
import type { StudySystem } from "../results.js";

export interface SystemLook {
  readonly title: string;
  readonly colour: number;
  readonly dash: NonNullable<Curve["dash"]>;
  readonly mark: Mark;
}

const dashes = ["solid", "dashed", "dotted", "dash-dot"] as const;
const marks = ["circle", "triangle", "rect", "diamond"] as const;

/** The subject first and solid; the others in the order of the study. */
export function looksOf(systems: readonly StudySystem[]): Map<string, SystemLook> {
  const subject = subjectOf(systems);
  const ordered = [subject, ...systems.filter((system) => system !== subject)];
  return new Map(
    ordered.map(({ id, title }, i) => [id, { title, colour: i % 7, dash: dashes[i % 4]!, mark: marks[i % 4]! }]),
  );
}

/** What the study is about: the system that says so, or the first. */
export const subjectOf = (systems: readonly StudySystem[]): StudySystem =>
  systems.find(({ kind }) => kind === "subject") ?? systems[0]!;

export const lineSample = ({ colour, dash, mark }: SystemLook): Html => drawSample({ colour, dash, mark });

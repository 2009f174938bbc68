import type { Size } from "../data/picture.js";
import type { SamPrompt } from "../models/sam/prompt.js";
import type { Colour } from "./colours.js";

/** Blue for what is meant, vermilion for what is not; the sign within says it without colour. */
const meant = "rgb(0,114,178)";
const notMeant = "rgb(213,94,0)";

/** Radius of a point's mark in pixels of the picture. */
export const markRadius = ({ height, width }: Size): number => Math.max(4, Math.round(Math.max(height, width) / 130));

/**
 * Prompts as SVG of the picture's size.
 * @param colourOf the colour of a prompt's mask, for its box
 */
export function promptMarks(
  prompts: readonly SamPrompt[],
  size: Size,
  colourOf: (prompt: number) => Colour | undefined,
): string {
  const boxes = prompts.flatMap(({ box }, i) => (box ? [boxMark(box, size, colourOf(i) ?? [255, 255, 255])] : []));
  const points = prompts.flatMap(({ pointCoords = [], pointLabels = [] }) =>
    pointCoords.map((point, i) => pointMark(point, pointLabels[i] === 1, markRadius(size))),
  );
  const { height, width } = size;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${boxes.join("")}${points.join("")}</svg>`;
}

/** A frame in the mask's colour between two dark lines, drawn within the box. */
function boxMark([x0, y0, x1, y1]: NonNullable<SamPrompt["box"]>, size: Size, colour: Colour): string {
  const line = Math.max(1, markRadius(size) / 6);
  const frame = (stroke: string, thickness: number): string => {
    const [x, y] = [x0 + 1.5 * line, y0 + 1.5 * line];
    const [width, height] = [Math.max(0, x1 - x0 - 3 * line), Math.max(0, y1 - y0 - 3 * line)];
    return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="${stroke}" stroke-width="${thickness}"/>`;
  };
  return frame("rgb(20,20,20)", 3 * line) + frame(`rgb(${colour.join()})`, 1.5 * line);
}

/** A disc with a white rim around a white sign, its middle on the point's pixel. */
function pointMark([x, y]: readonly [number, number], isMeant: boolean, radius: number): string {
  const [cx, cy] = [x + 0.5, y + 0.5];
  const line = radius / 4;
  const arm = radius / 2;
  const across = `M${cx - arm},${cy}h${2 * arm}`;
  const sign = isMeant ? `${across}M${cx},${cy - arm}v${2 * arm}` : across;
  return (
    `<circle cx="${cx}" cy="${cy}" r="${radius}" fill="rgb(20,20,20)"/>` +
    `<circle cx="${cx}" cy="${cy}" r="${radius - line / 2}" fill="${isMeant ? meant : notMeant}" stroke="white" stroke-width="${line}"/>` +
    `<path d="${sign}" stroke="white" stroke-width="${line}" fill="none"/>`
  );
}

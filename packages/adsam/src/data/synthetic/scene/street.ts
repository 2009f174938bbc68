import type { Place } from "../render/stage.js";

/** What lies beside the carriageway on one side, widths in metres from the kerb outward. */
export interface Roadside {
  /** Grass or soil between kerb and sidewalk. */
  readonly verge: number;
  /** 0 for a country road. */
  readonly walk: number;
  /** Front gardens between sidewalk and the line of buildings. */
  readonly garden: number;
}

export type Paving = "asphalt" | "cobbles" | "concrete";

/** The plan of a street. d is the signed distance from the centre line, to the right; s the distance along it from the camera. */
export interface StreetPlan {
  /** 1/metres, positive bends right. */
  readonly curvature: number;
  readonly laneWidth: number;
  readonly lanesLeft: number;
  readonly lanesRight: number;
  /** Width of the strip between the directions, 0 for none. */
  readonly median: number;
  readonly medianKind: "grass" | "rails";
  /** Width of a parking strip on each side, 0 for none. */
  readonly parkingLeft: number;
  readonly parkingRight: number;
  readonly left: Roadside;
  readonly right: Roadside;
  /** A street across: its middle, half its carriageway and the sidewalk beside it. */
  readonly crossing: { readonly s: number; readonly half: number; readonly walk: number } | undefined;
  /** Zebra crossings at these s, 3.5 m long. */
  readonly zebras: readonly number[];
  readonly paving: Paving;
  readonly centreLine: "dashed" | "double" | "none";
  readonly edgeLines: boolean;
  /** Centre of each pair of tram rails set in the road. */
  readonly rails: readonly number[];
  readonly cycleLane: boolean;
  readonly seed: number;
}

export const kerbWidth = 0.22;

/** Street coordinates (s, d) ↔ world. */
export class Street {
  readonly plan: StreetPlan;
  /** d of the kerbs. */
  readonly leftEdge: number;
  readonly rightEdge: number;

  constructor(plan: StreetPlan) {
    this.plan = plan;
    this.leftEdge = -(plan.median / 2 + plan.lanesLeft * plan.laneWidth + plan.parkingLeft);
    this.rightEdge = plan.median / 2 + plan.lanesRight * plan.laneWidth + plan.parkingRight;
  }

  /** A place at (s, d), looking along the street turned by `turn` clockwise. */
  place(s: number, d: number, turn = 0): Place {
    const k = this.plan.curvature;
    if (k === 0) return { x: d, y: s, heading: turn };
    const angle = k * s;
    return { x: 1 / k - (1 / k - d) * Math.cos(angle), y: (1 / k - d) * Math.sin(angle), heading: angle + turn };
  }

  /** World → [s, d]. */
  locate(x: number, y: number, out: { s: number; d: number }): void {
    const k = this.plan.curvature;
    if (k === 0) {
      out.s = y;
      out.d = x;
      return;
    }
    const side = Math.sign(k);
    const dx = side * (1 / k - x);
    out.s = Math.atan2(side * y * side, dx) / Math.abs(k);
    out.d = 1 / k - side * Math.hypot(dx, y);
  }

  edge(side: 1 | -1): number {
    return side < 0 ? this.leftEdge : this.rightEdge;
  }

  roadside(side: 1 | -1): Roadside {
    return side < 0 ? this.plan.left : this.plan.right;
  }

  /** Distance from the kerb to where sidewalk begins, ends, and buildings stand. */
  walkStart(side: 1 | -1): number {
    return kerbWidth + this.roadside(side).verge;
  }

  walkEnd(side: 1 | -1): number {
    return this.walkStart(side) + this.roadside(side).walk;
  }

  buildingLine(side: 1 | -1): number {
    return this.walkEnd(side) + this.roadside(side).garden;
  }

  /** Centre of a lane: 0 is nearest the centre line. */
  lane(side: 1 | -1, index: number): number {
    return side * (this.plan.median / 2 + (index + 0.5) * this.plan.laneWidth);
  }

  /** Whether s lies in the mouth of the crossing street, `margin` metres around it. */
  inCrossing(s: number, margin: number): boolean {
    const { crossing } = this.plan;
    return crossing !== undefined && Math.abs(s - crossing.s) < crossing.half + margin;
  }
}

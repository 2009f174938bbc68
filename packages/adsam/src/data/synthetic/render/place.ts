import type { Colour } from "../colour.js";
import type { Point } from "./vector.js";

/** Where a thing stands: its foot on the ground plane and its heading, clockwise from the y axis. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly heading: number;
  /** Height of the foot above the ground, metres. */
  readonly z?: number;
}

/** A light seen at night: a street lamp, a head lamp. `aim` is the heading of a beam, absent for a lamp that shines all round. */
export interface Lamp {
  readonly at: Point;
  readonly colour: Colour;
  /** Brightness on the ground one metre away, in units of full sun. */
  readonly power: number;
  readonly aim?: number;
  /** Radius of its glow seen from anywhere, metres; 0 for none. */
  readonly halo: number;
}

/** A soft dark patch where a thing meets the ground. */
export interface Contact {
  readonly x: number;
  readonly y: number;
  readonly heading: number;
  readonly halfWidth: number;
  readonly halfLength: number;
}

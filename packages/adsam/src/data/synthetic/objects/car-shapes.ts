/** Side views of passenger cars. */
export type CarBody = "sedan" | "hatch" | "estate" | "suv" | "van";

/** Side view, y along the car from the tail (0) to the nose (1), heights in metres. */
export interface BodyShape {
  readonly length: number;
  readonly width: number;
  readonly height: number;
  /** Upper edge of the lower body: [y, z, half width as a share]. */
  readonly belt: readonly (readonly [number, number, number])[];
  /** y of: foot of the rear window, rear and front end of the roof, foot of the windscreen. */
  readonly cabin: readonly [number, number, number, number];
}

export const carShapes: Record<CarBody, BodyShape> = {
  sedan: {
    length: 4.6,
    width: 1.8,
    height: 1.45,
    belt: [
      [0, 0.72, 0.86],
      [0.03, 0.95, 0.93],
      [0.17, 1.0, 1],
      [0.68, 0.94, 1],
      [0.94, 0.78, 0.95],
      [1, 0.58, 0.84],
    ],
    cabin: [0.15, 0.29, 0.52, 0.7],
  },
  hatch: {
    length: 4.1,
    width: 1.76,
    height: 1.5,
    belt: [
      [0, 0.75, 0.87],
      [0.02, 0.98, 0.95],
      [0.2, 1.0, 1],
      [0.7, 0.95, 1],
      [0.94, 0.8, 0.95],
      [1, 0.58, 0.84],
    ],
    cabin: [0.01, 0.13, 0.52, 0.73],
  },
  estate: {
    length: 4.7,
    width: 1.82,
    height: 1.5,
    belt: [
      [0, 0.75, 0.88],
      [0.02, 0.98, 0.95],
      [0.2, 1.0, 1],
      [0.7, 0.94, 1],
      [0.95, 0.78, 0.95],
      [1, 0.58, 0.84],
    ],
    cabin: [0.01, 0.08, 0.54, 0.72],
  },
  suv: {
    length: 4.6,
    width: 1.9,
    height: 1.72,
    belt: [
      [0, 0.85, 0.9],
      [0.02, 1.12, 0.96],
      [0.2, 1.15, 1],
      [0.72, 1.12, 1],
      [0.95, 0.98, 0.97],
      [1, 0.68, 0.9],
    ],
    cabin: [0.01, 0.09, 0.54, 0.73],
  },
  van: {
    length: 5.1,
    width: 1.95,
    height: 2.05,
    belt: [
      [0, 0.9, 0.95],
      [0.01, 1.15, 0.98],
      [0.2, 1.2, 1],
      [0.82, 1.15, 1],
      [0.96, 0.95, 0.96],
      [1, 0.65, 0.9],
    ],
    cabin: [0.0, 0.03, 0.7, 0.87],
  },
};

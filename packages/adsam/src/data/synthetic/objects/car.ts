import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { type Colour, hex } from "../colour.js";
import { glass, lampGlass, matte } from "../materials/simple.js";
import type { Material } from "../materials/surface.js";
import type { Place, Point, Stage } from "../render/stage.js";
import { type BodyShape, type CarBody, carShapes } from "./car-shapes.js";

export const carPaints: readonly Colour[] = [
  "#17181a",
  "#2c2f33",
  "#8b9095",
  "#c4c7c9",
  "#e9eaea",
  "#e9eaea",
  "#b3b6b8",
  "#1d3462",
  "#7c1518",
  "#a51d22",
  "#3a5a7c",
  "#4a4f3c",
  "#6b5a48",
  "#c8871f",
  "#2f5140",
].map(hex);
const black = matte(hex("#131416"));
const tyre = matte(hex("#1b1b1d"));
const rim = matte(hex("#8f9296"), 0.1);
const plate = matte(hex("#e8e6da"));
export const headlamp = lampGlass(hex("#aeb6bd"), 0.04, 3);
export const tailLamp = lampGlass(hex("#c01a14"), 0.02, 0.9);

/** A passenger car or van: it stands on `place` and looks along its heading. */
export function car(stage: Stage, place: Place, random: Random, options: { parked: boolean; body?: CarBody }): void {
  const body = options.body ?? random.pick(["sedan", "hatch", "hatch", "estate", "suv", "suv", "van"] as const);
  const shape = carShapes[body];
  const { length, width } = shape;
  stage.moveTo(place, ids.car);
  stage.contact(width / 2 - 0.05, length / 2 - 0.1);
  const paint = matte(random.pick(carPaints), 0.06);
  const y = (share: number): number => (share - 0.5) * length;
  const half = width / 2;
  lowerBody(stage, shape, paint);
  cabin(stage, shape, paint, body, random);
  for (const side of [-1, 1] as const) {
    for (const axle of [0.19, 0.81]) wheel(stage, side * (half + 0.005), y(axle), 0.32, side);
    stage.box(
      [side * (half + 0.09), y(shape.cabin[3]) - 0.25],
      0.16,
      0.1,
      shape.belt[3]![1] + 0.02,
      shape.belt[3]![1] + 0.16,
      paint,
    );
  }
  front(stage, y(1), half, shape.belt[5]![1], options.parked);
  back(stage, y(0), half, shape.belt[0]![1], options.parked, random);
}

function lowerBody(stage: Stage, { length, width, belt }: BodyShape, paint: Material): void {
  const floor = 0.2;
  const at = (i: number): [number, number, number] => [
    (belt[i]![0] - 0.5) * length,
    belt[i]![1],
    (belt[i]![2] * width) / 2,
  ];
  for (let i = 0; i + 1 < belt.length; i++) {
    const [y0, z0, x0] = at(i);
    const [y1, z1, x1] = at(i + 1);
    for (const side of [-1, 1]) {
      // The flank bulges at 60 % of its height, which catches the light as a car's shoulder does.
      const [m0, m1] = [floor + (z0 - floor) * 0.6, floor + (z1 - floor) * 0.6];
      const tuck = 0.95;
      stage.polygon(
        [
          [side * x0 * 0.97, y0, floor],
          [side * x1 * 0.97, y1, floor],
          [side * x1, y1, m1],
          [side * x0, y0, m0],
        ],
        paint,
      );
      stage.polygon(
        [
          [side * x0, y0, m0],
          [side * x1, y1, m1],
          [side * x1 * tuck, y1, z1],
          [side * x0 * tuck, y0, z0],
        ],
        paint,
      );
    }
    stage.polygon(
      [
        [-x0 * 0.95, y0, z0],
        [x0 * 0.95, y0, z0],
        [x1 * 0.95, y1, z1],
        [-x1 * 0.95, y1, z1],
      ],
      paint,
    );
  }
  for (const i of [0, belt.length - 1]) {
    const [y, z, x] = at(i);
    const m = floor + (z - floor) * 0.6;
    stage.polygon(
      [
        [-x * 0.97, y, floor],
        [x * 0.97, y, floor],
        [x, y, m],
        [-x, y, m],
      ],
      paint,
    );
    stage.polygon(
      [
        [-x, y, m],
        [x, y, m],
        [x * 0.95, y, z],
        [-x * 0.95, y, z],
      ],
      paint,
    );
  }
  stage.polygon(
    [
      [-width * 0.45, -length / 2, floor],
      [width * 0.45, -length / 2, floor],
      [width * 0.45, length / 2, floor],
      [-width * 0.45, length / 2, floor],
    ],
    black,
  );
  for (const side of [-1, 1]) {
    stage.panel(
      [side * width * 0.492, -length * 0.3],
      [side * width * 0.492, length * 0.3],
      floor - 0.03,
      floor + 0.12,
      black,
    );
    for (const share of [0.36, 0.55, 0.72]) {
      const y = (share - 0.5) * length;
      stage.panel(
        [side * (width / 2 + 0.004), y - 0.012],
        [side * (width / 2 + 0.004), y + 0.012],
        0.4,
        belt[2]![1] * 0.92,
        black,
        { casts: false },
      );
    }
  }
}

function cabin(stage: Stage, shape: BodyShape, paint: Material, body: CarBody, random: Random): void {
  const { length, width, height, belt } = shape;
  const [rear, roofRear, roofFront, front] = shape.cabin.map((share) => (share - 0.5) * length) as [
    number,
    number,
    number,
    number,
  ];
  const foot = belt[2]![1] - 0.02;
  const [low, high] = [(width / 2) * 0.95, (width / 2) * (body === "van" ? 0.84 : 0.74)];
  const closed = body === "van" && random.chance(0.5);
  stage.polygon(
    [
      [-high, roofRear, height],
      [high, roofRear, height],
      [high, roofFront, height],
      [-high, roofFront, height],
    ],
    paint,
  );
  screen(
    stage,
    [
      [-low, front, foot],
      [low, front, foot],
      [high, roofFront, height],
      [-high, roofFront, height],
    ],
    paint,
    glass,
    0.07,
  );
  screen(
    stage,
    [
      [-low, rear, foot],
      [low, rear, foot],
      [high, roofRear, height],
      [-high, roofRear, height],
    ],
    paint,
    closed ? paint : glass,
    0.12,
  );
  for (const side of [-1, 1]) {
    const corners: Point[] = [
      [side * low, rear, foot],
      [side * low, front, foot],
      [side * high, roofFront, height],
      [side * high, roofRear, height],
    ];
    stage.polygon(corners, paint);
    // Panes between the pillars, a finger's width outside the sheet metal.
    const pane = (from: number, to: number): void => {
      const point = (t: number, lift: number): Point => {
        const [b, r] = [rear + (front - rear) * t, roofRear + (roofFront - roofRear) * t];
        return [side * (low + (high - low) * lift + 0.012), b + (r - b) * lift, foot + (height - foot) * lift];
      };
      stage.polygon([point(from, 0.1), point(to, 0.1), point(to, 0.86), point(from, 0.86)], glass, { casts: false });
    };
    if (!closed) pane(0.07, 0.3);
    if (!closed) pane(0.33, 0.62);
    pane(0.65, 0.93);
  }
}

/** A window with a frame of `border` (share of its size) around it. */
function screen(stage: Stage, corners: readonly Point[], frame: Material, pane: Material, border: number): void {
  stage.polygon(corners, frame);
  const middle = [0, 1, 2].map((k) => corners.reduce((sum, c) => sum + c[k]! / corners.length, 0));
  const outward = Math.sign(middle[1]!) * 0.012;
  const inner = corners.map(
    (c): Point => [
      c[0] + (middle[0]! - c[0]) * border,
      c[1] + (middle[1]! - c[1]) * border + outward,
      c[2] + (middle[2]! - c[2]) * border + 0.012,
    ],
  );
  stage.polygon(inner, pane, { casts: false });
}

export function wheel(stage: Stage, x: number, y: number, radius: number, side: 1 | -1): void {
  stage.disc([x, y, radius + 0.03], radius * 1.18, "x", black, { casts: false });
  stage.disc([x + side * 0.01, y, radius], radius, "x", tyre, { casts: false });
  stage.disc([x + side * 0.02, y, radius], radius * 0.64, "x", rim, { casts: false });
  stage.disc([x + side * 0.025, y, radius], radius * 0.18, "x", black, { casts: false });
  // The tread, seen from ahead and behind.
  const inward = x - side * 0.2;
  for (const end of [-0.75, -0.3, 0.3, 0.75]) {
    const low = radius * (1 - Math.sqrt(1 - end * end));
    stage.panel([inward, y + end * radius], [x, y + end * radius], low, radius, tyre, { casts: false });
  }
}

function front(stage: Stage, y: number, half: number, hood: number, parked: boolean): void {
  const out = y + 0.012;
  stage.panel([-half * 0.55, out], [half * 0.55, out], 0.36, hood - 0.03, black, { casts: false });
  stage.panel([-half * 0.8, out], [half * 0.8, out], 0.2, 0.33, black, { casts: false });
  stage.panel([-0.26, out + 0.01], [0.26, out + 0.01], 0.36, 0.47, plate, { casts: false });
  for (const side of [-1, 1]) {
    const lamp = parked ? lampGlass(hex("#98a2aa"), 0, 0) : headlamp;
    stage.panel([side * half * 0.58, out + 0.01], [side * half * 0.82, out + 0.01], hood - 0.17, hood - 0.03, lamp, {
      casts: false,
    });
    if (!parked) stage.lamp([side * half * 0.7, y, 0.65], hex("#fff3d8"), 6, 0.9, true);
  }
}

function back(stage: Stage, y: number, half: number, top: number, parked: boolean, random: Random): void {
  const out = y - 0.012;
  stage.panel([-half * 0.84, out], [half * 0.84, out], 0.2, 0.4, black, { casts: false });
  stage.panel([-0.26, out - 0.01], [0.26, out - 0.01], 0.5, 0.62, plate, { casts: false });
  const braking = random.chance(0.35);
  const lamp = parked ? lampGlass(hex("#8c1512"), 0, 0) : braking ? lampGlass(hex("#e01a12"), 0.5, 1.8) : tailLamp;
  for (const side of [-1, 1]) {
    stage.panel([side * half * 0.62, out - 0.01], [side * half * 0.87, out - 0.01], top - 0.18, top - 0.01, lamp, {
      casts: false,
    });
    if (!parked) stage.lamp([side * half * 0.75, y - 0.05, top - 0.08], hex("#ff2a1a"), 0.25, 0.35);
  }
}

import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { hex } from "../colour.js";
import { lampGlass, matte } from "../materials/simple.js";
import { type Cutout, screenDoor } from "../render/prim.js";
import type { Place, Point, Stage } from "../render/stage.js";
import { headlamp, tailLamp } from "./car.js";
import { rider, type Seat } from "./people.js";

const rubber = matte(hex("#17181a"));
const chrome = matte(hex("#a3a7ab"), 0.15);
const dark = matte(hex("#1f2124"));
const paints = ["#1b1c1e", "#b02a22", "#2b5aa0", "#3c7a4a", "#c9cccf", "#d8922a", "#6a2f6c", "#2aa0a8"].map(hex);

/** Tyre and hub solid; the spokes between hide a third of what is behind and belong to the machine, as in hand-made labels. */
function spoked(radius: number): Cutout {
  return ({ u, v }) => {
    const r = Math.sqrt(u * u + v * v);
    if (r > radius) return 0;
    if (r > radius - 0.045 || r < 0.05) return 1;
    return screenDoor;
  };
}

const bicycleSeat: Seat = {
  saddle: 0.95,
  saddleY: -0.22,
  gripY: 0.42,
  gripZ: 1.04,
  gripX: 0.27,
  pedalY: 0.02,
  pedalZ: 0.27,
  pedalX: 0.11,
  lean: 0.28,
};

/** A bicycle, 1.75 m long; ridden or parked. */
export function bicycle(stage: Stage, place: Place, random: Random, ridden: boolean): void {
  stage.moveTo(place, ids.bicycle);
  stage.contact(0.05, 0.75);
  const paint = matte(random.pick(paints), 0.08);
  const radius = 0.34;
  for (const y of [-0.53, 0.53]) {
    stage.disc([0, y, radius], radius, "x", rubber, { cutout: spoked(radius), casts: false });
    // Seen from ahead the wheel is a narrow upright stroke.
    stage.capsule([0, y, 0.05], [0, y, 2 * radius - 0.03], 0.026, rubber);
    stage.capsule([0, y - radius * 0.8, 0.48], [0, y + radius * 0.5, 2 * radius + 0.03], 0.02, dark);
  }
  const tube = 0.024;
  const [rear, front, crank, seat, head]: Point[] = [
    [0, -0.53, radius],
    [0, 0.53, radius],
    [0, -0.05, 0.28],
    [0, -0.2, 0.82],
    [0, 0.36, 0.86],
  ];
  for (const [a, b] of [
    [crank, seat],
    [crank, head],
    [seat, head],
    [rear, crank],
    [rear, seat],
    [front, head],
  ] as [Point, Point][])
    stage.capsule(a, b, tube, paint);
  stage.capsule(seat!, [0, -0.23, 0.93], 0.016, chrome);
  stage.capsule([0, -0.34, 0.95], [0, -0.1, 0.96], 0.055, dark, 0.03);
  stage.capsule(head!, [0, 0.4, 1.03], 0.018, chrome);
  for (const side of [-1, 1]) {
    stage.capsule([0, 0.4, 1.03], [side * 0.27, 0.38, 1.04], 0.018, dark);
    stage.capsule([0, -0.05, 0.28], [side * 0.11, -0.05 + side * 0.1, 0.28 + side * 0.1], 0.016, chrome);
  }
  stage.disc([0.04, -0.05, 0.28], 0.1, "x", dark);
  if (random.chance(0.3)) stage.box([0, 0.62], 0.36, 0.28, 0.78, 0.98, matte(hex("#6a5236")));
  else if (random.chance(0.4)) stage.box([0, -0.55], 0.34, 0.36, 0.55, 0.8, matte(random.pick(paints)));
  stage.capsule([0, 0.45, 0.88], [0, 0.48, 0.88], 0.045, ridden ? headlamp : chrome);
  stage.capsule([0, -0.78, 0.7], [0, -0.8, 0.7], 0.035, ridden ? tailLamp : matte(hex("#7c1512")));
  if (!ridden) return;
  stage.lamp([0, 0.48, 0.88], hex("#fff6e0"), 1, 0.4, true);
  rider(stage, place, bicycleSeat, false, random);
}

const motorSeat: Seat = {
  saddle: 0.8,
  saddleY: -0.25,
  gripY: 0.45,
  gripZ: 1.02,
  gripX: 0.34,
  pedalY: 0.02,
  pedalZ: 0.3,
  pedalX: 0.24,
  lean: 0.18,
};
const scooterSeat: Seat = {
  saddle: 0.78,
  saddleY: -0.3,
  gripY: 0.42,
  gripZ: 1.02,
  gripX: 0.3,
  pedalY: 0.2,
  pedalZ: 0.26,
  pedalX: 0.16,
  lean: 0.08,
};

/** A motorcycle or scooter, 2 m long; ridden or parked. */
export function motorcycle(stage: Stage, place: Place, random: Random, ridden: boolean): void {
  const scooter = random.chance(0.4);
  stage.moveTo(place, ids.motorcycle);
  stage.contact(0.22, 0.85);
  const paint = matte(random.pick(paints), 0.1);
  const radius = scooter ? 0.25 : 0.31;
  const wheelbase = scooter ? 0.62 : 0.7;
  for (const y of [-wheelbase, wheelbase]) {
    stage.disc([0, y, radius], radius, "x", rubber);
    for (const side of [-1, 1])
      stage.disc([side * 0.07, y, radius], radius * 0.62, "x", side > 0 ? chrome : dark, {
        inner: radius * 0.18,
        casts: false,
      });
    stage.capsule([0, y, 0.09], [0, y, 2 * radius - 0.07], 0.075, rubber);
  }
  if (scooter) scooterBody(stage, paint);
  else motorBody(stage, paint);
  for (const side of [-1, 1]) {
    stage.capsule([0, 0.45, 1.0], [side * 0.34, 0.4, 1.03], 0.022, dark);
    stage.capsule([side * 0.28, 0.42, 1.03], [side * 0.36, 0.42, 1.2], 0.012, dark);
    stage.ball([side * 0.37, 0.42, 1.22], 0.06, dark);
  }
  stage.capsule([0, 0.56, 0.9], [0, 0.6, 0.9], 0.1, ridden ? headlamp : lampGlass(hex("#d6dadd"), 0, 0));
  stage.panel([-0.11, -wheelbase - 0.18], [0.11, -wheelbase - 0.18], 0.42, 0.6, matte(hex("#dcdacf")));
  stage.capsule(
    [-0.07, -wheelbase - 0.15, 0.72],
    [0.07, -wheelbase - 0.15, 0.72],
    0.045,
    ridden ? tailLamp : matte(hex("#7c1512")),
  );
  if (!ridden) return;
  stage.lamp([0, 0.6, 0.9], hex("#fff3d8"), 4, 0.8, true);
  stage.lamp([0, -wheelbase - 0.18, 0.72], hex("#ff2a1a"), 0.2, 0.35);
  rider(stage, place, scooter ? scooterSeat : motorSeat, true, random);
}

function motorBody(stage: Stage, paint: Parameters<Stage["box"]>[5]): void {
  stage.capsule([0, -0.1, 0.42], [0, 0.22, 0.45], 0.2, dark);
  stage.capsule([0, -0.05, 0.72], [0, 0.3, 0.82], 0.16, paint, 0.15);
  stage.capsule([0, -0.1, 0.76], [0, -0.72, 0.82], 0.13, dark, 0.09);
  stage.capsule([0, -0.5, 0.72], [0, -0.82, 0.82], 0.12, paint, 0.06);
  stage.capsule([0, 0.42, 0.82], [0, 0.58, 0.92], 0.16, paint, 0.14);
  stage.polygon(
    [
      [-0.15, 0.6, 0.98],
      [0.15, 0.6, 0.98],
      [0.12, 0.48, 1.2],
      [-0.12, 0.48, 1.2],
    ],
    matte(hex("#4a5258"), 0.2),
  );
  for (const side of [-1, 1]) {
    stage.capsule([side * 0.09, 0.7, 0.31], [side * 0.09, 0.42, 0.98], 0.035, chrome);
    stage.capsule([side * 0.17, 0.1, 0.28], [side * 0.17, -0.75, 0.42], 0.045, chrome, 0.06);
    stage.capsule([side * 0.08, -0.7, 0.31], [side * 0.08, -0.1, 0.42], 0.04, dark);
  }
  stage.capsule([0, 0.5, 0.6], [0, 0.92, 0.6], 0.07, paint, 0.05);
}

function scooterBody(stage: Stage, paint: Parameters<Stage["box"]>[5]): void {
  stage.capsule([0, -0.25, 0.5], [0, -0.68, 0.6], 0.22, paint, 0.17);
  stage.capsule([0, -0.1, 0.76], [0, -0.65, 0.8], 0.13, dark, 0.12);
  stage.capsule([0, -0.2, 0.25], [0, 0.35, 0.25], 0.14, dark);
  stage.capsule([0, 0.38, 0.35], [0, 0.46, 0.85], 0.21, paint, 0.16);
  stage.capsule([0, 0.46, 0.85], [0, 0.5, 0.98], 0.15, paint);
  stage.capsule([0, 0.55, 0.45], [0, 0.7, 0.5], 0.12, paint, 0.08);
}

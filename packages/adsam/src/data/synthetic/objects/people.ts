import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { type Colour, hex } from "../colour.js";
import { matte, mottled } from "../materials/simple.js";
import { textureSeed } from "../noise.js";
import type { Place, Point, Stage } from "../render/stage.js";

const skins: readonly Colour[] = ["#e3b894", "#d3a078", "#b07a52", "#7d5236", "#5a3a26", "#eac7a8"].map(hex);
const hairs: readonly Colour[] = ["#1d1815", "#3a281c", "#6a4a2c", "#a5854f", "#8f8c88"].map(hex);
const tops: readonly Colour[] = [
  "#1f2227",
  "#2b3550",
  "#7a2328",
  "#3d5a3c",
  "#c9c4b8",
  "#8a8d92",
  "#b5642c",
  "#d8c04a",
  "#4b6c9c",
  "#a8364f",
  "#e7e5e0",
  "#5b4a6c",
].map(hex);
const trousers: readonly Colour[] = ["#1c1d21", "#26314a", "#3d4048", "#5a5146", "#2c2420", "#7d7768", "#33415e"].map(
  hex,
);

interface Outfit {
  readonly skin: Colour;
  readonly hair: Colour;
  readonly top: Colour;
  readonly trousers: Colour;
  readonly shoes: Colour;
}

function outfit(random: Random): Outfit {
  return {
    skin: random.pick(skins),
    hair: random.pick(hairs),
    top: random.pick(tops),
    trousers: random.pick(trousers),
    shoes: random.pick(tops),
  };
}

/** Someone on foot, 1.5 to 1.95 m tall, looking along the heading; children are smaller. */
export function pedestrian(stage: Stage, place: Place, random: Random): void {
  stage.moveTo(place, ids.person);
  stage.contact(0.18, 0.2);
  const k = (random.chance(0.12) ? random.range(1.05, 1.4) : random.range(1.56, 1.92)) / 1.75;
  const clothes = outfit(random);
  const walking = random.chance(0.7);
  const phase = walking ? random.range(-1, 1) : random.range(-0.15, 0.15);
  const p = (x: number, y: number, z: number): Point => [x * k, y * k, z * k];
  const skirt = random.chance(0.18);
  const coat = !skirt && random.chance(0.3);
  const cloth = mottled(clothes.trousers, 0.3, 0.2, textureSeed(random));
  const shoe = matte(clothes.shoes);
  for (const side of [-1, 1] as const) {
    const swing = phase * side * 0.32;
    const knee = p(side * 0.1, swing * 0.55 + Math.abs(swing) * 0.15, 0.48);
    const ankle = p(side * 0.1, swing * 1.1 - (swing < 0 ? 0.06 : 0), 0.08 + Math.max(0, -swing) * 0.25);
    stage.capsule(p(side * 0.1, 0, 0.92), knee, 0.095 * k, cloth, 0.07 * k);
    stage.capsule(knee, ankle, 0.07 * k, skirt ? matte(clothes.skin) : cloth, 0.05 * k);
    stage.capsule(ankle, [ankle[0], ankle[1] + 0.15 * k, Math.max(0.04, ankle[2] - 0.03)], 0.05 * k, shoe);
  }
  if (skirt) stage.capsule(p(0, 0, 1), p(0, 0, 0.62), 0.15 * k, cloth, 0.26 * k);
  const arms = phase * 0.35;
  if (!skirt) stage.capsule(p(-0.06, 0, 0.97), p(0.06, 0, 0.97), 0.125 * k, cloth);
  upperBody(stage, k, p(0, 0, 0.98), p(0, 0.03, 1.42), clothes, random, (side) => [
    p(side * 0.27, -arms * side * 0.5, 1.12),
    p(side * 0.27, -arms * side + 0.12, 0.88),
  ]);
  if (coat)
    stage.capsule(
      p(0, 0, 1.1),
      p(0, 0, 0.72),
      0.19 * k,
      mottled(clothes.top, 0.3, 0.15, textureSeed(random)),
      0.22 * k,
    );
  if (random.chance(0.3)) stage.capsule(p(0, -0.19, 1.05), p(0, -0.19, 1.32), 0.13 * k, matte(random.pick(tops)));
  else if (random.chance(0.25)) stage.capsule(p(0.32, 0, 0.55), p(0.32, 0, 0.75), 0.13 * k, matte(random.pick(tops)));
}

/** Torso, neck, head and arms. `arm` gives elbow and hand of a side. */
function upperBody(
  stage: Stage,
  k: number,
  hip: Point,
  shoulder: Point,
  clothes: Outfit,
  random: Random,
  arm: (side: 1 | -1) => readonly [Point, Point],
  helmet?: Colour,
): void {
  const cloth = mottled(clothes.top, 0.25, 0.18, textureSeed(random));
  const skin = matte(clothes.skin);
  stage.capsule(
    [hip[0], hip[1] + (shoulder[1] - hip[1]) * 0.15, hip[2] + 0.09 * k],
    shoulder,
    0.135 * k,
    cloth,
    0.17 * k,
  );
  for (const side of [-1, 1] as const) {
    const joint: Point = [shoulder[0] + side * 0.2 * k, shoulder[1], shoulder[2] + 0.01];
    stage.capsule([shoulder[0], shoulder[1], shoulder[2] + 0.02], joint, 0.09 * k, cloth, 0.075 * k);
    const [elbow, hand] = arm(side);
    stage.capsule(joint, elbow, 0.065 * k, cloth, 0.055 * k);
    stage.capsule(elbow, hand, 0.052 * k, cloth, 0.042 * k);
    stage.ball(hand, 0.055 * k, skin);
  }
  const head: Point = [shoulder[0], shoulder[1] + 0.03 * k, shoulder[2] + 0.26 * k];
  stage.capsule([shoulder[0], shoulder[1], shoulder[2] + 0.08], head, 0.06 * k, skin);
  stage.capsule([head[0], head[1] + 0.02, head[2] - 0.03], [head[0], head[1] + 0.02, head[2] + 0.04], 0.1 * k, skin);
  if (helmet) stage.ball([head[0], head[1] - 0.01, head[2] + 0.06 * k], 0.135 * k, matte(helmet, 0.1));
  else stage.ball([head[0], head[1] - 0.035 * k, head[2] + 0.055 * k], 0.11 * k, matte(clothes.hair));
}

/** Where a machine holds its rider, in the machine's axes: saddle, handles and footrests. */
export interface Seat {
  readonly saddle: number;
  readonly saddleY: number;
  readonly gripY: number;
  readonly gripZ: number;
  readonly gripX: number;
  readonly pedalY: number;
  readonly pedalZ: number;
  readonly pedalX: number;
  /** How far the shoulders are ahead of the hips. */
  readonly lean: number;
}

/** Someone riding; the stage already stands where the machine does. */
export function rider(stage: Stage, place: Place, seat: Seat, motor: boolean, random: Random): void {
  stage.moveTo(place, ids.rider);
  const clothes = outfit(random);
  const cloth = mottled(clothes.trousers, 0.3, 0.2, textureSeed(random));
  const hip: Point = [0, seat.saddleY + 0.02, seat.saddle + 0.1];
  const shoulder: Point = [0, seat.saddleY + seat.lean, seat.saddle + 0.56];
  const phase = motor ? 0 : random.range(-1, 1);
  for (const side of [-1, 1] as const) {
    const foot: Point = [
      side * seat.pedalX,
      seat.pedalY + (motor ? 0 : 0.12 * phase * side),
      seat.pedalZ + (motor ? 0 : 0.12 * Math.sqrt(1 - phase * phase) * side),
    ];
    const knee: Point = [side * (seat.pedalX + 0.03), seat.saddleY + 0.42, (hip[2] + foot[2]) / 2 + 0.12];
    stage.capsule([side * 0.1, hip[1], hip[2]], knee, 0.1, cloth, 0.075);
    stage.capsule(knee, [foot[0], foot[1], foot[2] + 0.07], 0.075, cloth, 0.05);
    stage.capsule(
      [foot[0], foot[1] - 0.03, foot[2] + 0.03],
      [foot[0], foot[1] + 0.14, foot[2] + 0.02],
      0.05,
      matte(clothes.shoes),
    );
  }
  stage.capsule([-0.06, hip[1], hip[2]], [0.06, hip[1], hip[2]], 0.14, cloth);
  const helmet = motor
    ? random.pick(["#16171a", "#c2c4c6", "#a3201f", "#e6e6e4", "#24437c"].map(hex))
    : random.chance(0.45)
      ? random.pick(tops)
      : undefined;
  upperBody(
    stage,
    1,
    hip,
    shoulder,
    clothes,
    random,
    (side) => [
      [side * (seat.gripX + 0.06), (shoulder[1] + seat.gripY) / 2 - 0.05, (shoulder[2] + seat.gripZ) / 2 - 0.1],
      [side * seat.gripX, seat.gripY - 0.03, seat.gripZ + 0.03],
    ],
    helmet,
  );
  if (random.chance(0.35))
    stage.capsule(
      [0, hip[1] - 0.12, hip[2] + 0.15],
      [0, shoulder[1] - 0.2, shoulder[2] - 0.1],
      0.14,
      matte(random.pick(tops)),
    );
}

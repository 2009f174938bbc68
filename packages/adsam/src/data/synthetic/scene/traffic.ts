import type { Random } from "../../random.js";
import { randomSide } from "../noise.js";
import { car } from "../objects/car.js";
import { bus, tram } from "../objects/coach.js";
import { pedestrian } from "../objects/people.js";
import { truck } from "../objects/truck.js";
import { bicycle, motorcycle } from "../objects/two-wheelers.js";
import type { Stage } from "../render/stage.js";
import type { Setting } from "./setting.js";
import type { Street } from "./street.js";

/** A line along the street on which things must not run into each other. */
class Track {
  readonly d: number;
  /** 0 in our direction, π towards us. */
  readonly turn: number;
  readonly #taken: [number, number][] = [];

  constructor(d: number, turn: number) {
    this.d = d;
    this.turn = turn;
  }

  claim(middle: number, length: number): boolean {
    const [from, to] = [middle - length / 2 - 1.2, middle + length / 2 + 1.2];
    if (this.#taken.some(([a, b]) => from < b && to > a)) return false;
    this.#taken.push([from, to]);
    return true;
  }

  /** A free place whose near end lies between two distances; undefined after a few tries. */
  find(length: number, nearest: number, farthest: number, random: Random): number | undefined {
    for (let i = 0; i < 6; i++) {
      const s = random.range(nearest, farthest) + length / 2;
      if (this.claim(s, length)) return s;
    }
    return undefined;
  }
}

/** Vehicles, riders and people. Rare kinds are cast first and near, so that each is seen in a good share of pictures. */
export function populate(stage: Stage, street: Street, setting: Setting, random: Random): void {
  const { plan } = street;
  const ours = Array.from({ length: plan.lanesRight }, (_, i) => new Track(street.lane(1, i), 0));
  const theirs = Array.from({ length: plan.lanesLeft }, (_, i) => new Track(street.lane(-1, i), Math.PI));
  const parked: Track[] = [];
  if (plan.parkingRight > 0) parked.push(new Track(street.rightEdge - plan.parkingRight / 2 + 0.1, 0));
  if (plan.parkingLeft > 0) parked.push(new Track(street.leftEdge + plan.parkingLeft / 2 - 0.1, Math.PI));
  trams(stage, street, setting, theirs, ours, random);
  heavy(stage, street, setting, ours, theirs, parked, random);
  twoWheelers(stage, street, setting, ours, theirs, parked, random);
  cars(stage, street, ours, theirs, parked, random);
  people(stage, street, setting, random);
}

function trams(stage: Stage, street: Street, setting: Setting, theirs: Track[], ours: Track[], random: Random): void {
  const { plan } = street;
  if (setting.name === "tramway") {
    const offset = plan.median > 0 ? plan.median / 4 : 1.65;
    const towards = random.chance(0.95);
    const s = random.range(9, 20) + 12;
    if (towards && (plan.median > 0 || theirs[0]!.claim(s, 27))) tram(stage, street.place(s, -offset, Math.PI), random);
    if (random.chance(towards ? 0.25 : 0.8)) {
      const ahead = random.range(18, 40) + 12;
      if (plan.median > 0 || ours[0]!.claim(ahead, 27)) tram(stage, street.place(ahead, offset), random);
    }
    return;
  }
  // A railway beside the road where there is room for one.
  const room = setting.name === "rural" || setting.name === "highway" || setting.name === "industrial";
  if (!room || !random.chance(0.65)) return;
  const side = randomSide(random);
  const d = street.edge(side) + side * (street.buildingLine(side) - 1.4);
  for (const s of [random.range(20, 30), random.range(48, 60)])
    if (!street.inCrossing(s, 15)) tram(stage, street.place(s, d), random);
}

function heavy(
  stage: Stage,
  street: Street,
  setting: Setting,
  ours: Track[],
  theirs: Track[],
  parked: Track[],
  random: Random,
): void {
  const outer = <T>(tracks: readonly T[]): T => tracks[tracks.length - 1]!;
  const put = (draw: typeof bus, length: number): void => {
    const choice = random.float();
    const track = choice < 0.4 ? outer(theirs) : choice < 0.75 ? outer(ours) : (parked[0] ?? outer(theirs));
    // In our own lane a wall of a vehicle would hide everything else.
    const nearest = track.turn === 0 && ours.includes(track) ? 12 : 7;
    const s = track.find(length, nearest, nearest + 16, random);
    if (s !== undefined) draw(stage, street.place(s, track.d, track.turn), random);
  };
  const motorway = setting.name === "highway" || setting.name === "industrial";
  if (random.chance(motorway ? 0.8 : 0.42)) put(truck, 10);
  if (random.chance(motorway ? 0.4 : 0.5)) put(bus, 12);
  if (random.chance(motorway ? 0.5 : 0.08)) put(truck, 10);
}

function twoWheelers(
  stage: Stage,
  street: Street,
  setting: Setting,
  ours: Track[],
  theirs: Track[],
  parked: Track[],
  random: Random,
): void {
  const { plan } = street;
  const laneEdge = (side: 1 | -1): number =>
    street.edge(side) - side * ((side > 0 ? plan.parkingRight : plan.parkingLeft) + random.range(0.6, 1.1));
  const country = setting.name === "highway";
  if (random.chance(country ? 0.2 : 0.6)) {
    const count = 1 + random.below(2);
    for (let i = 0; i < count; i++) {
      const track = ours[ours.length - 1]!;
      const s = track.find(1.9, 5, 15, random);
      if (s !== undefined) bicycle(stage, street.place(s, laneEdge(1), random.range(-0.15, 0.15)), random, true);
    }
  }
  if (!country && random.chance(0.35)) {
    const s = random.range(7, 18);
    if (theirs[theirs.length - 1]!.claim(s, 1.9))
      bicycle(stage, street.place(s, laneEdge(-1), Math.PI + random.range(-0.15, 0.15)), random, true);
  }
  if (random.chance(country ? 0.65 : 0.6)) {
    const track = random.chance(0.6) ? random.pick(ours) : random.pick(theirs);
    const s = track.find(2.2, 5.5, 14, random);
    if (s !== undefined)
      motorcycle(stage, street.place(s, track.d + random.range(-0.8, 0.8), track.turn), random, true);
  }
  if (country) return;
  // Parked in a row at the kerb or on the sidewalk, aslant to it.
  for (const [kind, chance] of [
    ["bicycle", 0.5],
    ["motorcycle", 0.55],
  ] as const) {
    if (!random.chance(chance)) continue;
    const side = randomSide(random);
    const track = parked.find((t) => Math.sign(t.d) === side);
    const from = random.range(5.5, 15);
    const count = 2 + random.below(4);
    const onWalk = track === undefined || !track.claim(from + count * 0.5, count + 1);
    if (onWalk && street.roadside(side).walk === 0) continue;
    const d = onWalk ? street.edge(side) + side * (street.walkStart(side) + 0.8) : track.d + side * 0.3;
    const slant = random.range(0.5, 1.4) * randomSide(random);
    for (let i = 0; i < count; i++) {
      const place = street.place(from + i * random.range(0.75, 1.1), d, slant + random.range(-0.1, 0.1));
      if (street.inCrossing(from + i, 2)) continue;
      if (kind === "bicycle") bicycle(stage, place, random, false);
      else motorcycle(stage, place, random, false);
    }
  }
}

function cars(stage: Stage, street: Street, ours: Track[], theirs: Track[], parked: Track[], random: Random): void {
  for (const track of parked) {
    const full = random.range(0.4, 0.9);
    for (let s = random.range(5, 9); s < 110; s += 6.2) {
      const clear = street.plan.zebras.some((zebra) => Math.abs(zebra - s) < 6) || street.inCrossing(s, 6);
      if (clear || !random.chance(full) || !track.claim(s, 4.2)) continue;
      const backwards = random.chance(0.12) ? Math.PI : 0;
      car(
        stage,
        street.place(s, track.d + random.range(-0.1, 0.1), track.turn + backwards + random.range(-0.02, 0.02)),
        random,
        { parked: true },
      );
    }
  }
  const busy = random.range(0.3, 1);
  for (const [tracks, nearest] of [
    [ours, 8],
    [theirs, 8],
  ] as const) {
    for (const track of tracks) {
      for (let s = nearest + random.range(0, 14); s < 140; s += random.range(8, 24)) {
        if (!random.chance(busy) || !track.claim(s, 5)) continue;
        car(
          stage,
          street.place(s, track.d + random.range(-0.25, 0.25), track.turn + random.range(-0.02, 0.02)),
          random,
          { parked: false },
        );
      }
    }
  }
  const { crossing } = street.plan;
  if (crossing && random.chance(0.5)) {
    const side = randomSide(random);
    const d = street.edge(side) + side * random.range(2, 9);
    car(
      stage,
      street.place(crossing.s - side * crossing.half * 0.45, d, side > 0 ? -Math.PI / 2 : Math.PI / 2),
      random,
      { parked: false },
    );
  }
}

function people(stage: Stage, street: Street, setting: Setting, random: Random): void {
  const { plan } = street;
  const lively =
    setting.name === "highway"
      ? 0
      : setting.name === "rural"
        ? 1.2
        : setting.name === "old-town" || setting.name === "tramway"
          ? 8
          : 5;
  for (const side of [-1, 1] as const) {
    const { walk } = street.roadside(side);
    for (let n = Math.round(random.range(0.2, 1) * lively); n > 0; n--) {
      const s = random.chance(0.55) ? random.range(6, 18) : random.range(18, 60);
      const across =
        walk > 0 ? street.walkStart(side) + random.range(0.35, Math.max(0.4, walk - 0.4)) : random.range(0.4, 1.2);
      if (street.inCrossing(s, 0)) continue;
      const turn = (random.chance(0.5) ? 0 : Math.PI) + random.range(-0.4, 0.4);
      pedestrian(stage, street.place(s, street.edge(side) + side * across, turn), random);
      if (random.chance(0.35))
        pedestrian(
          stage,
          street.place(s + random.range(-0.3, 0.3), street.edge(side) + side * (across + 0.6), turn),
          random,
        );
    }
  }
  const zebra = plan.zebras[0];
  if (zebra !== undefined && random.chance(0.7)) {
    for (let n = 1 + random.below(4); n > 0; n--)
      pedestrian(
        stage,
        street.place(
          zebra + random.range(-1.2, 1.2),
          random.range(street.leftEdge, street.rightEdge),
          (randomSide(random) * Math.PI) / 2,
        ),
        random,
      );
  } else if (setting.name !== "highway" && random.chance(0.2)) {
    pedestrian(
      stage,
      street.place(
        random.range(14, 26),
        random.range(street.leftEdge, street.rightEdge),
        (randomSide(random) * Math.PI) / 2,
      ),
      random,
    );
  }
}

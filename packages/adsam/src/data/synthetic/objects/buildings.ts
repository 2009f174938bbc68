import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { type Colour, hex } from "../colour.js";
import { type FacadeStyle, facade, randomFacade, roofTiles } from "../materials/facade.js";
import { matte, mottled } from "../materials/simple.js";
import type { Material } from "../materials/surface.js";
import type { Place, Stage } from "../render/stage.js";

export type BuildingKind = "old" | "modern" | "house" | "hall";

const roofs: readonly Colour[] = ["#8a4632", "#74392c", "#4e4a4a", "#5d5048", "#99573c"].map(hex);

/**
 * A building whose front runs along the place's y axis at x = 0; `side` is +1 where the body lies to the right of it (x > 0).
 * The front is `length` metres long, centred on the place.
 */
export function building(
  stage: Stage,
  place: Place,
  side: 1 | -1,
  length: number,
  depth: number,
  height: number,
  kind: BuildingKind,
  random: Random,
): void {
  stage.moveTo(place, ids.building);
  const style = randomFacade(random, height, kind);
  const front = facade(style);
  const flank = random.chance(0.5) ? front : mottled(style.wall, 3, 0.12, style.seed);
  const [y0, y1] = [-length / 2, length / 2];
  const back = side * depth;
  stage.panel([0, y0], [0, y1], 0, height, front);
  stage.panel([0, y0], [back, y0], 0, height, flank);
  stage.panel([0, y1], [back, y1], 0, height, flank);
  stage.panel([back, y0], [back, y1], 0, height, flank);
  if (kind === "house" || (kind === "old" && random.chance(0.7)))
    gable(stage, side, length, depth, height, style, random);
  else flatRoof(stage, side, length, depth, height, random);
  if (stage.distance < 60) relief(stage, side, length, style, kind, random);
}

function gable(
  stage: Stage,
  side: 1 | -1,
  length: number,
  depth: number,
  height: number,
  style: FacadeStyle,
  random: Random,
): void {
  const tiles = roofTiles(random.pick(roofs), style.seed);
  const rise = depth * random.range(0.3, 0.5);
  const [y0, y1, middle, back] = [-length / 2, length / 2, (side * depth) / 2, side * depth];
  const eave = -side * 0.35;
  stage.polygon(
    [
      [eave, y0, height - 0.15],
      [eave, y1, height - 0.15],
      [middle, y1, height + rise],
      [middle, y0, height + rise],
    ],
    tiles,
  );
  stage.polygon(
    [
      [back, y0, height],
      [back, y1, height],
      [middle, y1, height + rise],
      [middle, y0, height + rise],
    ],
    tiles,
  );
  const wall = mottled(style.wall, 2, 0.1, style.seed);
  for (const y of [y0, y1])
    stage.polygon(
      [
        [0, y, height],
        [back, y, height],
        [middle, y, height + rise],
      ],
      wall,
    );
  for (let n = random.below(3); n > 0; n--) {
    stage.box(
      [middle * random.range(0.5, 1), random.range(y0 + 1, y1 - 1)],
      0.7,
      0.9,
      height + rise * 0.4,
      height + rise + 0.8,
      matte(hex("#7b4a3c")),
      matte(hex("#333333")),
    );
  }
  if (random.chance(0.4)) {
    const x = middle * 0.35;
    for (let y = y0 + 2; y < y1 - 1.5; y += 3.2) {
      const low = height + rise * 0.2;
      stage.box([x + side * 0.7, y], 1.4, 1.4, low, low + 1.5, matte(style.trim), tiles);
      stage.panel(
        [x - side * 0.02, y - 0.45],
        [x - side * 0.02, y + 0.45],
        low + 0.35,
        low + 1.3,
        matte([0.02, 0.025, 0.03], 0.15),
      );
    }
  }
}

function flatRoof(stage: Stage, side: 1 | -1, length: number, depth: number, height: number, random: Random): void {
  const top = matte(hex("#8b8985"));
  stage.polygon(
    [
      [0, -length / 2, height],
      [0, length / 2, height],
      [side * depth, length / 2, height],
      [side * depth, -length / 2, height],
    ],
    top,
  );
  for (let n = random.below(3); n > 0; n--)
    stage.box(
      [side * depth * random.range(0.3, 0.6), random.range(-0.35, 0.35) * length],
      2.5,
      3,
      height,
      height + random.range(1, 2.6),
      top,
    );
}

/** Cornices, balconies and awnings that stand out from the front. */
function relief(
  stage: Stage,
  side: 1 | -1,
  length: number,
  style: FacadeStyle,
  kind: BuildingKind,
  random: Random,
): void {
  const out = (x: number): number => -side * x;
  const trim = matte(style.trim);
  if (kind === "old") stage.box([out(0.16), 0], 0.32, length, style.height - 0.4, style.height, trim);
  const base = style.groundFloor === "shops" ? 3.7 : style.floor;
  const storeys = Math.floor((style.height - base - 0.2) / style.floor);
  if (kind !== "hall" && style.skin !== "glass" && random.chance(0.4)) {
    const every = 2 + random.below(2);
    const railing: Material = random.chance(0.5) ? matte(hex("#3b3d40")) : mottled(style.wall, 1, 0.1, style.seed);
    for (let storey = 0; storey < storeys; storey++) {
      for (let column = 1; (column + 1) * style.bay < length - 0.5; column += every) {
        // The front's u runs from y = −length/2.
        const y = -length / 2 + (column + 0.5) * style.bay;
        const low = base + storey * style.floor + 0.1;
        stage.box([out(0.45), y], 0.9, style.bay * 0.95, low, low + 0.14, trim);
        stage.panel([out(0.9), y - style.bay * 0.47], [out(0.9), y + style.bay * 0.47], low + 0.1, low + 1, railing);
      }
    }
  }
  if (style.groundFloor === "shops" && random.chance(0.6)) {
    const cloth = striped(random);
    for (let shop = 0; (shop + 1) * 5.5 < length; shop++) {
      if (random.chance(0.4)) continue;
      const y = -length / 2 + shop * 5.5;
      stage.polygon(
        [
          [out(1.3), y + 0.5, 2.5],
          [out(1.3), y + 5, 2.5],
          [0, y + 5, 3.05],
          [0, y + 0.5, 3.05],
        ],
        cloth,
      );
    }
  }
}

function striped(random: Random): Material {
  const colour = random.pick(["#9c2f2a", "#2f6d4a", "#2d4f8a", "#c9a23c"].map(hex));
  const plain = random.chance(0.4);
  const pale = hex("#e8e4d8");
  return (surface) => surface.paint(plain || Math.floor(surface.u / 0.35) % 2 === 0 ? colour : pale);
}

/** Results that nothing measured, shaped like a study's: for what a report does with them. */
import { Random } from "../src/data/random.js";
import {
  resultsFormat,
  type StudyBudget,
  type StudyResults,
  type StudyRun,
  type StudyScores,
} from "../src/study/results.js";

const classes = {
  CamVid: ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"],
  "IDD-Lite": ["drivable", "non-drivable", "living things", "vehicles", "roadside objects", "far objects", "sky"],
} as const;
type Data = keyof typeof classes;

const systems = [
  { id: "ad-sam", title: "AD-SAM", kind: "subject", height: 0.64, haste: 5 },
  { id: "deeplabv3-resnet50", title: "DeepLabV3-ResNet-50", kind: "baseline", height: 0.57, haste: 3 },
  { id: "g-sam", title: "G-SAM", kind: "baseline", height: 0.5, haste: 2.2 },
  { id: "sam-baseline", title: "SAM", kind: "baseline", height: 0.41, haste: 4 },
  {
    id: "ad-sam-no-deformable",
    title: "AD-SAM without deformable layers",
    kind: "ablation",
    height: 0.636,
    haste: 4.8,
  },
] as const;
type System = (typeof systems)[number];

/** Two data sets, four systems and an ablation, three seeds, two budgets, a ladder of pictures; one run missing, one broken off. */
export function madeUpResults(): StudyResults {
  const runs: StudyRun[] = [];
  for (const system of systems)
    for (const seed of [0, 1, 2]) {
      const own = (train: Data, budget: StudyBudget) => runs.push(madeUpRun({ system, train, seed, budget }));
      own("CamVid", { minutes: 60 });
      if (system.kind === "ablation") continue;
      own("CamVid", { minutes: 20 });
      own("IDD-Lite", { minutes: 20 });
      for (const pictures of [25, 50, 100, 200]) own("CamVid", { minutes: 20, pictures });
    }
  const at = (id: string) => runs.findIndex((run) => run.id === id);
  const lost = at("g-sam-idd-lite-20min-2");
  runs[lost] = { ...runs[lost]!, scores: [], curve: [], missing: "out of memory: 5.1 GB wanted, 4.0 GB free" };
  const cut = at("sam-baseline-camvid-60min-1");
  runs[cut] = {
    ...runs[cut]!,
    scores: [],
    curve: runs[cut]!.curve.slice(0, 7),
    missing: "stopped by SIGTERM in epoch 8; `adsam study run small` takes it up again",
  };
  return {
    format: resultsFormat,
    study: "small",
    asked:
      "Does AD-SAM learn more from the same minutes on two cores than DeepLabV3, G-SAM and SAM, and does it keep more of it on other roads?",
    quick: false,
    machine: "2 × AMD EPYC 9R14 (AVX-512), 8 GB, Debian GNU/Linux 12, x64",
    versions: { adsam: "0.1.0", libtorch: "1.13.1", node: "20.19.2" },
    date: "2026-11-23T02:10:00Z",
    commands: ["adsam study run small", "adsam study report small"],
    systems: systems.map(({ id, title, kind }) => ({ id, title, kind })),
    rows: systems.slice(0, 4).flatMap(({ id }, i) =>
      (
        [
          ["parameters", [27.3e6, 39.6e6, 96.4e6, 9.1e6][i]!],
          ["multiplyAdds", [38e9, 61e9, 142e9, 12e9][i]!],
          ["latency", [0.21, 0.34, 0.88, 0.09][i]!],
          ["memory", [1.1e9, 1.4e9, 3.9e9, 0.7e9][i]!],
        ] as const
      ).map(([metric, value]) => ({
        study: "small",
        system: id,
        train: null,
        test: null,
        metric,
        value,
        low: null,
        high: null,
        seeds: [],
        minutes: null,
      })),
    ),
    runs,
    notes: ["On IDD-Lite AD-SAM does not win beyond the noise: its 20 minutes end before its curve does."],
  };
}

function madeUpRun({
  system,
  train,
  seed,
  budget,
}: {
  system: System;
  train: Data;
  seed: number;
  budget: StudyBudget;
}): StudyRun {
  const pictures = budget.pictures === undefined ? "" : `-${budget.pictures}pictures`;
  const id = `${system.id}-${train.toLowerCase()}-${budget.minutes}min${pictures}-${seed}`;
  const random = new Random(`made-up results ${id}`, seed);
  const wobble = (size: number) => size * (2 * random.float() - 1);
  const drawn = 0.015 * Math.sin(7 * seed + train.length);
  const few = (0.3 * Math.log(367 / (budget.pictures ?? 367))) / Math.log(15);
  // On IDD-Lite DeepLabV3 is as good as the subject, but for noise.
  const gained = train === "IDD-Lite" && system.id === "deeplabv3-resnet50" ? 0.065 : 0;
  const end =
    (system.height + gained) * (1 - few) * (budget.minutes === 60 ? 1.06 : 1) * (train === "CamVid" ? 1 : 0.93) +
    drawn +
    wobble(0.012);
  const pace = {
    "ad-sam": 0.9,
    "deeplabv3-resnet50": 1.15,
    "g-sam": 2.6,
    "sam-baseline": 0.7,
    "ad-sam-no-deformable": 0.8,
  }[system.id];
  const epochs = Math.floor(budget.minutes! / pace);
  const curve = Array.from({ length: epochs }, (_, i) => {
    const mIoU = end * (1 - Math.exp((-system.haste * (i + 1)) / epochs)) + (i + 1 === epochs ? 0 : wobble(0.012));
    const valMIoU = Math.max(0, mIoU);
    return {
      epoch: i + 1,
      minutes: (i + 1) * pace * (1 + 0.02 * seed),
      valMIoU,
      valPixelAccuracy: Math.min(1, valMIoU + 0.27),
      loss: 1 / (i + 2),
    };
  });
  const other = train === "CamVid" ? "IDD-Lite" : "CamVid";
  const kept = {
    "ad-sam": 0.8,
    "deeplabv3-resnet50": 0.71,
    "g-sam": 0.84,
    "sam-baseline": 0.86,
    "ad-sam-no-deformable": 0.7,
  }[system.id];
  const scores = [madeUpScores(train, end, random)];
  if (budget.pictures === undefined) {
    const unseen = end * (kept + wobble(0.02)) * 0.9;
    const retention = { value: unseen / (0.9 * end), interval: null, trained: 0.9 * end, unseen };
    scores.push({ ...madeUpScores(other, unseen, random), retention });
  }
  const trainPictures = budget.pictures ?? (train === "CamVid" ? 367 : 1263);
  const recipeHash = `${system.id}-${budget.minutes}`
    .split("")
    .reduce((sum, c) => (31 * sum + c.charCodeAt(0)) % 2 ** 32, 7)
    .toString(16);
  return { id, system: system.id, train, seed, budget, recipeHash, trainPictures, curve, scores };
}

function madeUpScores(dataset: Data, mIoU: number, random: Random): StudyScores {
  const names = classes[dataset];
  const ious = names.map((_, k) =>
    Math.max(0.02, Math.min(0.97, mIoU + 0.3 * Math.cos(2.1 * k) + 0.04 * random.float())),
  );
  const shift = mIoU - ious.reduce((sum, iou) => sum + iou, 0) / ious.length;
  const pixels = names.map((_, k) => Math.round(5e6 / (1 + ((k * 5) % 11))));
  const counts = names.flatMap((_, row) =>
    names.map((_, column) => {
      const right = Math.min(0.98, ious[row]! + 0.15);
      return Math.round(pixels[row]! * (row === column ? right : (1 - right) / (names.length - 1)));
    }),
  );
  return {
    dataset,
    split: "val",
    pictures: 101,
    mIoU,
    pixelAccuracy: Math.min(0.97, mIoU + 0.25),
    meanAccuracy: mIoU + 0.08,
    frequencyWeightedIoU: mIoU + 0.17,
    boundary: { f1: mIoU - 0.05, iou: mIoU - 0.16, tolerance: null },
    perClass: names.map((name, k) => ({ name, iou: Math.min(1, Math.max(0, ious[k]! + shift)), pixels: pixels[k]! })),
    confusion: { numClasses: names.length, counts },
  };
}

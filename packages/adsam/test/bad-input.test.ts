import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { buildInfo, saveCheckpoint, scope, zeros } from "@adsam/torch";
import { Random } from "../src/data/random.js";
import { ownMark } from "../src/process-mark.js";
import { loadNetwork } from "../src/train/checkpoint.js";
import { readCsvLog } from "../src/train/csv-log.js";
import { putLabel } from "./data-fixtures.js";
import {
  adsam,
  contents,
  folderForTests,
  sceneFile,
  sceneFolder,
  tinyRecipe,
  tinyWords,
  train,
} from "./train-fixtures.js";

const root = folderForTests("bad-input");
const out = (name: string) => path.join(root, name);
/** 4 pictures: two batches, one step an epoch. Without ResNet: small and quick. */
const small = {
  "model.resnet": "none",
  "data.limitTrain": 4,
  "data.limitVal": 1,
  "data.workers": 1,
};
const recipe = (name: string, flags: Record<string, unknown> = {}) =>
  tinyRecipe({ ...small, "data.root": path.join(root, "data"), "run.out": out(name), ...flags });

/** A run of one epoch, to be copied and continued. */
let begun: string;
before(async () => {
  await sceneFolder(root);
  begun = (await train(recipe("begun", { "train.epochs": 1 }))).result.last;
});
const copyOfBegun = (name: string): string => {
  cpSync(path.dirname(begun), out(name), { recursive: true });
  return path.join(out(name), "last.pth");
};

/** The promise fails with a Problem whose message these all fit. */
async function refuses(work: () => Promise<unknown> | unknown, ...expected: (string | RegExp)[]): Promise<void> {
  await assert.rejects(
    async () => work(),
    (error: Error) => {
      assert.equal(error.name, "Problem", error.stack);
      assert.ok(!error.message.includes("\n"), "one paragraph");
      for (const part of expected)
        assert.ok(
          typeof part === "string" ? error.message.includes(part) : part.test(error.message),
          `${part} in: ${error.message}`,
        );
      return true;
    },
  );
}

describe("a bad file met in mid-training names itself, and what was learned before stays", () => {
  const files: Record<
    string,
    { spoil: (i: number) => Promise<unknown> | unknown; says: (i: number) => (string | RegExp)[] }
  > = {
    "a missing picture": {
      spoil: (i) => rmSync(sceneFile(data(), "train", i, "picture")),
      says: (i) => [
        `picture "${sceneFile(data(), "train", i, "picture")}": found no such file, expected a readable file.`,
      ],
    },
    "a truncated picture": {
      spoil: (i) => truncateSync(sceneFile(data(), "train", i, "picture"), 200),
      says: (i) => [
        `picture "${sceneFile(data(), "train", i, "picture")}": found 200 bytes that cannot be decoded`,
        "expected a whole PNG, JPEG, WebP or TIFF picture",
      ],
    },
    "a label with unknown ids": {
      spoil: (i) => putLabel(sceneFile(data(), "train", i, "label"), { height: 40, width: 72 }, [7, 200, 7, 201]),
      says: (i) => [
        sceneFile(data(), "train", i, "label"),
        "ids Cityscapes does not define: 200×720, 201×720",
        "adsam data inspect",
      ],
    },
    "a label of another size than its picture": {
      spoil: (i) => putLabel(sceneFile(data(), "train", i, "label"), { height: 20, width: 36 }, [7]),
      says: (i) => [
        `label "${sceneFile(data(), "train", i, "label")}": found 36×20 (width×height), expected 72×40 (width×height) as its picture`,
      ],
    },
    "a picture that is none": {
      spoil: (i) => writeFileSync(sceneFile(data(), "train", i, "picture"), "hello"),
      says: (i) => [`picture "${sceneFile(data(), "train", i, "picture")}": found 5 bytes that cannot be decoded`],
    },
  };
  let current = "";
  const data = () => path.join(root, current, "data");

  for (const [name, { spoil, says }] of Object.entries(files))
    test(name, async () => {
      current = name.replaceAll(" ", "-");
      cpSync(path.join(root, "data"), data(), { recursive: true });
      const flags = { "data.root": data(), "data.limitTrain": null, "optim.accumulate": 1, "data.workers": 0 };
      const run = recipe(`${current}/run`, flags); // 11 pictures: five batches, five steps
      const events: { epoch: number; step: number }[] = [];
      let spoilt = -1;
      const secondEpoch = new Random("order", run.run.seed, 2).shuffle(Array.from({ length: 11 }, (_, i) => i)); // as the loader's
      // The last picture of the second epoch's fourth batch, once the first epoch is done.
      const work = train(run, {}, ({ name, event }) => {
        if (name === "stepFinished") events.push(event as { epoch: number; step: number });
        if (name !== "epochFinished" || spoilt >= 0) return;
        spoilt = secondEpoch[7]!;
        void spoil(spoilt);
      });
      await refuses(() => work, /mend the file, then continue with --resume/);
      await work.catch((error: Error) => {
        for (const part of says(spoilt))
          assert.ok(
            typeof part === "string" ? error.message.includes(part) : part.test(error.message),
            `${part} in: ${error.message}`,
          );
      });
      assert.deepEqual(
        events.map(({ step }) => step),
        [1, 2, 3, 4, 5, 6, 7, 8],
      );
      const { progress } = scope(() => loadNetwork(path.join(run.run.out, "last.pth")));
      assert.deepEqual([progress?.epoch, progress?.batches, progress?.step], [1, 3, 8]);
      assert.equal(
        scope(() => loadNetwork(path.join(run.run.out, "best.pth")).progress?.epoch),
        1,
      );
      assert.deepEqual(
        readCsvLog(path.join(run.run.out, "log.csv")).map(({ epoch }) => epoch),
        [1],
      );
      // Mended and resumed, it comes to its end.
      for (const kind of ["picture", "label"] as const)
        copyFileSync(
          sceneFile(path.join(root, "data"), "train", spoilt, kind),
          sceneFile(data(), "train", spoilt, kind),
        );
      assert.equal((await train(run, { resume: true })).result.reason, "finished");
    });
});

describe("numbers that are not finite", () => {
  test("name the place and the pictures, and never reach a checkpoint", async () => {
    const last = copyOfBegun("diverging");
    const before = contents(last);
    const wild = recipe("diverging", {
      "optim.lr": 1e30,
      "optim.clipNorm": null,
      "optim.warmupSteps": 0,
      "train.epochs": 9,
    });
    await refuses(
      () => train(wild, { resume: true }),
      /^the (loss|gradient|weights) (of|after) epoch [23], batch \d \(pictures ulm\/ulm_\d+_\d+/,
      "Lower optim.lr, set optim.clipNorm (1 is usual) or optim.warmupSteps, and --resume",
      `"${last}" is from before, whole and finite`,
    );
    const { network } = loadNetwork(last);
    scope(() => {
      for (const [name, tensor] of network.stateDict()) assert.ok(Number.isFinite(tensor.abs().max().item()), name);
    });
    network[Symbol.dispose]();
    assert.deepEqual([...before.keys()], [...contents(last).keys()]);
  });

  test("before any checkpoint do not promise one", async () => {
    const wild = recipe("diverging-at-once", {
      "optim.lr": 1e30,
      "optim.clipNorm": null,
      "optim.warmupSteps": 0,
      "optim.accumulate": 1,
    });
    await refuses(
      () => train(wild),
      /^the (loss|gradient) of epoch 1, batch 2 /,
      "begin again: no checkpoint had been saved yet",
    );
    assert.ok(!existsSync(path.join(out("diverging-at-once"), "last.pth")));
  });
});

describe("a run folder", () => {
  test("that holds a run is not begun again", () =>
    refuses(
      () => train(recipe("begun")),
      `run folder "${out("begun")}": found a run that was begun before (last.pth), expected a new or empty folder. Add --resume to continue it, or choose another folder with --out.`,
    ));

  test("that holds none is not resumed", () =>
    refuses(
      () => train(recipe("nothing"), { resume: true }),
      `--resume: found no file "${path.join(out("nothing"), "last.pth")}"`,
    ));

  test("in which a process is at work is left alone; the claim of a dead one lapses", async () => {
    copyOfBegun("claimed");
    const lock = path.join(out("claimed"), ".lock");
    const refused = () => train(recipe("claimed"), { resume: true });
    let competitor: Promise<unknown> = Promise.resolve();
    await train(recipe("claimed"), { resume: true }, ({ name }) => {
      if (name === "runStarted")
        competitor = refuses(
          refused,
          `process ${process.pid} training in it, expected one run a folder`,
          `delete "${lock}"`,
        );
    });
    await competitor;
    assert.ok(!existsSync(lock));
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    for (const left of [JSON.stringify({ ...ownMark(), pid: dead }), "", "{"]) {
      writeFileSync(lock, left);
      assert.equal((await refused()).result.reason, "finished");
    }
    writeFileSync(lock, JSON.stringify({ ...ownMark(), pid: 1, host: "elsewhere" }));
    await refuses(refused, 'process 1 of machine "elsewhere"');
  });

  test("under a file is refused by name", async () => {
    writeFileSync(out("file"), "");
    await refuses(
      () => train(recipe("file/run")),
      `${out("file/run")} cannot be written: found a file where a folder should be`,
    );
  });
});

describe("no disk space", () => {
  const mounted = out("disk");
  mkdirSync(mounted, { recursive: true });
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=9m", "tmpfs", mounted]);
  after(() => mount.status === 0 && spawnSync("umount", [mounted]));

  test("on a small disk: the checkpoint of before stays whole", {
    skip: mount.status !== 0 && "no permission to mount a tmpfs",
  }, async () => {
    cpSync(path.dirname(begun), path.join(mounted, "run"), { recursive: true });
    const last = path.join(mounted, "run", "last.pth");
    const before = readFileSync(last);
    writeFileSync(path.join(mounted, "ballast"), new Uint8Array(Math.max(0, 9 * 2 ** 20 - 2 * before.length)));
    await refuses(
      () => train(recipe("disk/run"), { resume: true }),
      /(writing|cannot write|cannot be written)/,
      `"${mounted}/run`.slice(1),
      /free|space/i,
    );
    assert.ok(before.equals(readFileSync(last)));
    assert.deepEqual(readCsvLog(path.join(mounted, "run", "log.csv")).length, 1);
  });

  test("beyond the largest file allowed", { skip: process.platform !== "linux" && "needs ulimit -f" }, async () => {
    const last = copyOfBegun("limited");
    const before = readFileSync(last);
    const words = [
      "train",
      "--resume",
      ...tinyWords({ ...small, "data.root": path.join(root, "data"), "run.out": out("limited") }),
    ];
    const blocks = Math.floor(before.length / 2 / 512);
    const ended = await adsam(words, undefined, ["sh", "-c", `ulimit -f ${blocks}; exec "$@"`, "sh"]);
    assert.equal(ended.status, 1, ended.stderr);
    assert.match(ended.stderr, new RegExp(`adsam: writing "${last}": found \\d+ bytes free on its disk`));
    assert.ok(before.equals(readFileSync(last)));
  });
});

describe("a checkpoint", () => {
  const resumed = (name: string, flags: Record<string, unknown> = {}) => train(recipe(name, flags), { resume: true });

  test("of another network is refused, and stays", async () => {
    const last = copyOfBegun("other");
    const before = readFileSync(last);
    await refuses(
      () => resumed("other", { "model.decoder": "deformable-convolution" }),
      "--resume",
      'model.decoder "deformable-convolution"',
      'expected model.decoder "deformable-attention", as the run was begun',
    );
    await refuses(() => resumed("other", { "model.resnet": "resnet18" }), 'model.resnet "resnet18"');
    await refuses(() => resumed("other", { "optim.name": "sgd" }), 'optim.name "sgd"');
    await refuses(
      () => resumed("other", { "model.numClasses": 7 }),
      "recipe key model.numClasses: found 7, expected 19, as Cityscapes has classes (road, ",
    );
    assert.ok(before.equals(readFileSync(last)));
  });

  test("that is something else, cut short or damaged says so", async () => {
    const last = copyOfBegun("damaged");
    const bytes = readFileSync(last);
    for (const [spoilt, ...says] of [
      [Buffer.from("not a checkpoint at all"), last],
      [bytes.subarray(0, Math.floor(bytes.length / 2)), last],
      [new Uint8Array(0), last],
      [flipped(bytes), last],
    ] as const) {
      writeFileSync(last, spoilt);
      await refuses(() => resumed("damaged"), ...says);
    }
    scope(() => saveCheckpoint(last, new Map([["weight", zeros([2])]])));
    await refuses(
      () => resumed("damaged"),
      `checkpoint "${last}": found a file with the entries weight, expected a checkpoint that \`adsam train\` wrote. Give the run's best.pth or last.pth.`,
    );
    copyFileSync(path.join(out("damaged"), "best.pth"), last);
    await refuses(
      () => resumed("damaged"),
      `checkpoint "${last}": found weights only, expected the state of a training run. Resume from the run's own last.pth.`,
    );
  });

  const flipped = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    const middle = Math.floor(bytes.length / 2);
    copy[middle] = copy[middle]! ^ 1;
    return copy;
  };
});

describe("from the command line, one paragraph and exit code 1", () => {
  const words = (name: string, flags: Record<string, unknown> = {}) => [
    "train",
    ...tinyWords({ ...small, "data.root": path.join(root, "data"), "run.out": out(name), ...flags }),
  ];
  const fails = async (command: readonly string[], ...expected: (string | RegExp)[]) => {
    const { status, stderr } = await adsam(command);
    assert.deepEqual([status, stderr.trimEnd().split("\n").length], [1, 1], stderr);
    for (const part of expected)
      assert.ok(typeof part === "string" ? stderr.includes(part) : part.test(stderr), `${part} in: ${stderr}`);
  };

  test("a recipe with a wrong key", async () => {
    const file = path.join(root, "wrong.yaml");
    writeFileSync(file, "optim:\n  lr: 1e-3\n  clip_norm: 1\n");
    await fails(
      ["train", file],
      `${"wrong.yaml"}:3`,
      'unknown key "optim.clip_norm"',
      'Did you mean "optim.clipNorm"?',
    );
  });

  test("CUDA where there is none", { skip: buildInfo().cuda && "there is CUDA here" }, () =>
    fails(
      words("cuda", { "run.device": "cuda" }),
      "--device cuda: found a libtorch that sees no CUDA device",
      "doctor",
    ),
  );

  test("float16 on the CPU", () =>
    fails(
      words("half", { "run.precision": "float16" }),
      "adsam: --precision float16: found --device cpu, expected a GPU. The CPU computes in float32 or bfloat16.",
    ));

  test("--resume where there is no run", () => fails([...words("none"), "--resume"], "--resume: found no file"));

  test("no data set", () => fails(["train", "--out", out("no-data")], "data set: found none, expected --data FOLDER"));
});

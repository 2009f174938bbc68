import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Problem } from "@adsam/torch/problem";
import { Command } from "commander";
import type { CommandEntry } from "../src/cli/command.js";
import { commands } from "../src/cli/commands.js";
import { addRecipeOptions, addShortOptions, recipeFlags } from "../src/cli/options.js";
import { Output, tableLines } from "../src/cli/output.js";
import { runCommandLine } from "../src/cli/program.js";
import { readLabelIds } from "../src/data/label-png.js";
import { writeGrey, writePicture } from "../src/data/write-png.js";
import { resolveRecipe } from "../src/train/recipe.js";

const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "adsam-cli-"));
const noNative = join(folder, "no-native.cjs");
writeFileSync(noNative, `process.dlopen = (_, file) => { throw new Error("native code was loaded: " + file); };\n`);

/** Runs the real command line; loading any native addon (libtorch's, sharp's) is a failure. */
function adsam(words: string[], env: Record<string, string> = {}) {
  const { NO_COLOR: _, FORCE_COLOR: __, ...rest } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", noNative, script, ...words], {
    encoding: "utf8",
    env: { ...rest, ...env },
  });
  return { status, stdout, stderr };
}

describe("adsam", () => {
  test("alone it says what it can do", () => {
    const { status, stdout, stderr } = adsam([]);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^AD-SAM \d+\.\d+\.\d+: semantic segmentation of road scenes\n/);
    for (const { name, summary } of commands)
      assert.ok(stdout.includes(`adsam ${name}`) && stdout.includes(summary), name);
  });

  test("--help lists every command, quickly, and loads no native code", () => {
    const start = performance.now();
    const { status, stdout } = adsam(["--help"]);
    const seconds = (performance.now() - start) / 1000;
    assert.equal(status, 0);
    for (const { name } of commands) assert.match(stdout, new RegExp(`^ {2}${name}\\b`, "m"));
    assert.ok(seconds < 2, `${seconds} s`); // 0.14 s on an idle machine
  });

  test("only the command that is asked for is loaded", async () => {
    const loaded: string[] = [];
    const loads = commands.map((entry) => entry.load);
    for (const entry of commands as (CommandEntry & { load: unknown })[]) {
      const { name, load } = entry;
      entry.load = () => {
        loaded.push(name);
        return load();
      };
    }
    const silent = new PassThrough().resume();
    const output = new Output({ stdout: silent, stderr: silent, env: {} });
    try {
      for (const words of [[], ["--help"], ["help"], ["help", "data"], ["doctor", "--help"]]) {
        assert.equal(await runCommandLine(words, output), 0);
      }
    } finally {
      for (const [i, entry] of commands.entries()) Object.assign(entry, { load: loads[i] });
    }
    assert.deepEqual(loaded, ["data", "doctor"]);
  });

  test("a reader that goes away early is no failure", { skip: process.platform === "win32" && "no shell here" }, () => {
    const line = `"${process.execPath}" "${script}" --help; echo "code $?" >&2`;
    const { stderr } = spawnSync("sh", ["-c", `{ ${line}; } | head -c 1`], { encoding: "utf8" });
    assert.equal(stderr, "code 0\n");
  });

  test("every command's own help loads no native code either", () => {
    for (const { name } of commands) {
      const { status, stdout, stderr } = adsam([name, "--help"]);
      assert.deepEqual([status, stderr], [0, ""], name);
      assert.match(stdout, new RegExp(`^Usage: adsam ${name}`), name);
    }
  });

  test("--version is the package's", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    assert.deepEqual(adsam(["--version"]), { status: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("a mistyped command is refused with the one that was meant, and is a usage error", () => {
    const { status, stdout, stderr } = adsam(["tset"]);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /unknown command 'tset'\n\(Did you mean test\?\)/);
  });

  test("`test` outside the launcher says where it belongs", () => {
    const { status, stderr } = adsam(["test"]);
    assert.equal(status, 1);
    assert.equal(stderr, "adsam: adsam test: expected the launcher of the repository. Run ./adsam test there.\n");
  });

  test("colour only where it is wanted", () => {
    const colour = "\u001b[";
    assert.ok(adsam([], { FORCE_COLOR: "1" }).stdout.includes(colour));
    assert.ok(!adsam([], { FORCE_COLOR: "1", NO_COLOR: "1" }).stdout.includes(colour));
    assert.ok(!adsam([]).stdout.includes(colour)); // no terminal
  });
});

describe("adsam data", async () => {
  const root = join(folder, "streets");
  const label = { data: Uint8Array.from([0, 0, 1, 1, 1, 255]), size: { height: 2, width: 3 } };
  for (const split of ["train", "val"]) {
    for (const kind of ["images", "labels"]) mkdirSync(join(root, kind, split), { recursive: true });
    await writeGrey(join(root, "labels", split, "a.png"), label);
    await writePicture(join(root, "images", split, "a.png"), { data: new Uint8Array(18), size: label.size });
  }
  writeFileSync(join(root, "dataset.yaml"), "name: Streets\nnames: [road, sky, car]\n");
  const run = (...words: string[]) => spawnSync(process.execPath, [script, "data", ...words], { encoding: "utf8" });

  test("inspect prints shares of every split there is", () => {
    const { status, stdout, stderr } = run("inspect", root, "--workers", "0");
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(
      stdout,
      /^Streets, train {2}.*streets\n1 picture, 1 label; 16\.67 % of the labelled pixels are ignored\nsizes, width×height: 3×2 \(1\)\n/,
    );
    assert.match(
      stdout,
      /\nclass +pixels +share +files\nroad +2 +40\.00 % +1\nsky +3 +60\.00 % +1\ncar +0 +0\.00 % +0\n/,
    );
    assert.match(stdout, /\nStreets, val /);
  });

  test("--json is one JSON value", () => {
    const [train, ...others] = JSON.parse(run("inspect", root, "--split", "train", "--json").stdout);
    assert.deepEqual([others.length, train.split, train.classes[1].share, train.faults], [0, "train", 0.6, []]);
  });

  test("check ends with 1 where something is wrong, and names it", async () => {
    assert.equal(run("check", root).status, 0);
    await writeGrey(join(root, "labels", "val", "a.png"), { ...label, data: Uint8Array.from([0, 0, 1, 1, 1, 9]) });
    const { status, stdout } = run("check", root);
    assert.equal(status, 1);
    assert.match(
      stdout,
      /Streets, train: 1 picture, 1 label\nnothing wrong found\n\nStreets, val: .*\nwrong: Id 9 is not defined by Streets: 1 pixels in 1 label\.\n/,
    );
  });

  test("a folder that is not there is a Problem on stderr", () => {
    const { status, stdout, stderr } = run("inspect", join(folder, "nowhere"));
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(
      stderr,
      /^adsam: data set ".*nowhere": found no such folder, expected the data set's root folder\.\n$/,
    );
  });

  test("convert writes train ids, refuses foreign colours, and never its own source", async () => {
    const [source, target] = [join(folder, "colours"), join(folder, "ids")];
    mkdirSync(source);
    const pixels = [128, 64, 128, 70, 130, 180, 70, 130, 180, 128, 64, 128, 0, 0, 142, 0, 0, 142]; // road, sky, sky, road, car, car
    await writePicture(join(source, "a.png"), { data: Uint8Array.from(pixels), size: label.size });
    const words = ["convert", source, target, "--table", "cityscapes", "--workers", "0"];
    assert.deepEqual(
      [run(...words).status, [...(await readLabelIds(join(target, "a.png"))).data]],
      [0, [0, 10, 10, 0, 13, 13]],
    );
    await writePicture(join(source, "b.png"), { data: new Uint8Array(18).fill(1), size: label.size });
    const second = run(...words);
    assert.equal(second.status, 1);
    assert.match(
      second.stdout,
      /not converted: label ".*b\.png".*\(1, 1, 1\)×6.*\n1 written to .*ids, 1 not converted\n/s,
    );
    assert.match(run("convert", source, source, "--table", "camvid").stderr, /the same folder as the target/);
    assert.match(
      run("convert", source, target, "--table", "kitti").stderr,
      /--table: found "kitti", expected cityscapes, bdd100k, camvid, idd-lite, or/,
    );
    assert.equal(run("convert", source, target).status, 2); // --table is not optional
  });
});

test("adsam doctor says what it found, for people and for programs", () => {
  const { status, stdout } = adsam(["doctor"]);
  assert.match(stdout, /^ok {4}Node\.js +\d+\./);
  const { facts, ok } = JSON.parse(adsam(["doctor", "--json"]).stdout);
  assert.equal(facts[0].key, "node");
  assert.equal(status, ok ? 0 : 1);
});

describe("output", () => {
  function captured(isTTY = false, env: Record<string, string> = {}) {
    const stdout = Object.assign(new PassThrough(), { isTTY });
    const stderr = Object.assign(new PassThrough(), { isTTY });
    const output = new Output({ stdout, stderr, env });
    return { output, out: () => String(stdout.read() ?? ""), err: () => String(stderr.read() ?? "") };
  }

  test("a Problem is one paragraph and code 1; a defect keeps its stack and is code 70", () => {
    const { output, err } = captured();
    assert.equal(output.failure(new Problem({ what: "label a.png", found: "2 pixels", expected: "3" })), 1);
    assert.equal(err(), "adsam: label a.png: found 2 pixels, expected 3.\n");
    assert.equal(output.failure(new TypeError("x is not a function")), 70);
    assert.match(err(), /defect of ours, not of your input.*\nTypeError: x is not a function\n {4}at /);
  });

  test("--json prints the value alone, else the human form", () => {
    const { output, out } = captured();
    output.result({ mIoU: 0.5 }, () => output.line("50 %"));
    assert.equal(out(), "50 %\n");
    output.json = true;
    output.result({ mIoU: 0.5 }, () => output.line("50 %"));
    assert.deepEqual(JSON.parse(out()), { mIoU: 0.5 });
  });

  test("a terminal has colours unless NO_COLOR or a dumb terminal says otherwise", () => {
    assert.equal(captured(true).output.colours.bold("a"), "\u001b[1ma\u001b[22m");
    assert.equal(captured(true, { NO_COLOR: "1" }).output.colours.bold("a"), "a");
    assert.equal(captured(true, { TERM: "dumb" }).output.colours.bold("a"), "a");
    assert.equal(captured(false).output.colours.bold("a"), "a");
  });

  test("tables align text left and numbers right, colours not counted", () => {
    const columns = [{ title: "class" }, { title: "IoU", align: "right" }] as const;
    const rows = [
      ["road", "\u001b[32m97.5\u001b[39m"],
      ["traffic light", "8.0"],
    ];
    assert.deepEqual(tableLines(columns, rows), [
      "class           IoU",
      "road           \u001b[32m97.5\u001b[39m",
      "traffic light   8.0",
    ]);
  });
});

describe("recipe options", () => {
  function parsed(...words: string[]) {
    const command = new Command("train").exitOverride();
    addShortOptions(command);
    addRecipeOptions(command);
    command.parse(words, { from: "user" });
    return recipeFlags(command);
  }

  test("what is typed becomes flags; what is not stays with the recipe", () => {
    assert.deepEqual(
      parsed("--lr", "1e-3", "--size", "512x1024", "--model.deformable", "false", "--model.encoderTrained"),
      {
        flags: {
          "optim.lr": "1e-3",
          "input.height": "512",
          "input.width": "1024",
          "model.deformable": "false",
          "model.encoderTrained": "true",
        },
        spelled: {
          "optim.lr": "--lr",
          "input.height": "--size",
          "input.width": "--size",
          "model.deformable": "--model.deformable",
          "model.encoderTrained": "--model.encoderTrained",
        },
      },
    );
    const { recipe, sources } = resolveRecipe(parsed("--lr", "1e-3", "--model.encoderTrained"));
    assert.deepEqual([recipe.optim.lr, recipe.model.encoderTrained], [1e-3, true]);
    assert.equal(sources.get("optim.lr"), "--lr");
  });

  test("errors name the flag as typed", () => {
    const message = (...words: string[]) => {
      try {
        resolveRecipe(parsed(...words));
      } catch (error) {
        return error instanceof Problem ? error.message : String(error);
      }
    };
    assert.equal(message("--batch", "x"), '--batch: found "x", expected a whole number, 1 or more. The default is 2.');
    assert.equal(message("--size", "500"), "--size: found 500, expected a multiple of 32. The default is 1024.");
    assert.equal(
      message("--size", "big"),
      '--size: found "big", expected 512x1024 (height first), or 512 for a square',
    );
    assert.equal(
      message("--lr", "1", "--optim.lr", "2"),
      'recipe key "optim.lr": found --lr 1 and --optim.lr 2, expected one value. Leave one flag out.',
    );
    assert.equal(
      message("--device", "tpu"),
      '--device: found "tpu", expected auto, cpu, cuda or cuda:N. The default is "auto".',
    );
  });

  test("short names show the recipe's defaults, or none", () => {
    const help = (...rest: Parameters<typeof addShortOptions> extends [unknown, ...infer R] ? R : never) => {
      const command = new Command("eval").configureHelp({ helpWidth: 200 });
      addShortOptions(command, ...rest);
      return command.helpInformation();
    };
    assert.match(help(["batch"]), /--batch <integer> +pictures a batch \(default: 2\)/);
    assert.doesNotMatch(help(["size", "device"], { showDefaults: false }), /default/);
  });

  test("the help lists each field with type, description and default", () => {
    const command = new Command("train").configureHelp({ helpWidth: 200 });
    addRecipeOptions(command);
    const help = command.helpInformation();
    assert.match(help, /Recipe, optim: optimiser and learning rate\n/);
    assert.match(help, /--optim\.lr <number> +peak learning rate of fusion and decoder \(default: 0\.0002\)/);
    assert.match(help, /--augment\.crop <HxW\|null> +random crop the network sees/);
    assert.match(help, /--model\.frozenBatchNorm \[boolean\] +keep .* \(default: true\)/);
  });
});

test("Ctrl-C once asks, twice ends", { skip: process.platform === "win32" && "no signals here" }, () => {
  const program = `
    import { stopSignal } from ${JSON.stringify(new URL("../src/cli/interrupt.js", import.meta.url).href)};
    import { Output } from ${JSON.stringify(new URL("../src/cli/output.js", import.meta.url).href)};
    const stop = stopSignal(new Output(), "finishing this step, then saving");
    setTimeout(() => process.kill(process.pid, "SIGINT"), 20);
    stop.addEventListener("abort", () => {
      console.log("asked");
      setTimeout(() => process.kill(process.pid, "SIGINT"), 20);
    });
    setTimeout(() => console.log("still here"), 3000);`;
  const { signal, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  assert.deepEqual([signal, stdout], ["SIGINT", "asked\n"]);
  assert.match(stderr, /stopping: finishing this step, then saving \(Ctrl-C again ends it at once\)/);
});

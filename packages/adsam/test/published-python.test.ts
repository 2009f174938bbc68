import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { nn, openCheckpoint, scope, type Tensor } from "@adsam/torch";
import { AdSam } from "../src/models/ad-sam.js";
import { buildEncoder } from "../src/models/encoders.js";
import { PublishedFile } from "../src/models/published/published-file.js";
import { ResNet, type ResNetName } from "../src/models/resnet.js";
import { buildSam } from "../src/models/sam/sam.js";
import { loadAdSamWeights, loadEncoderWeights, loadResNetWeights, loadSamWeights } from "../src/models/weights.js";
import { onMeta, temporaryFolder } from "./published-files.js";

const python = "/usr/bin/python3";
const modules = "import torch, torchvision, numpy";
const skip = spawnSync(python, ["-c", modules]).status !== 0 && "no /usr/bin/python3 with torch and torchvision";

/** Runs a program with the arguments in `sys.argv[1:]`. */
function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(python, ["-c", `${modules}, sys, json\n${program}`, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  assert.equal(status, 0, stderr.slice(-2000));
  return stdout;
}

/** Compares a network with the tensors that the file has behind `prefix`, read by the plain reader. */
function assertEqualToFile(network: nn.Module, tree: unknown, prefix = ""): void {
  const there = tree as ReadonlyMap<string, Tensor>;
  for (const [name, tensor] of network.stateDict()) {
    const value = there.get(prefix + name);
    assert.ok(value, `${prefix}${name} is in the file`);
    assert.ok(tensor.equal(value), name);
  }
}

const forms = { zip: "", legacy: ", _use_new_zipfile_serialization=False" } as const;

for (const [form, option] of Object.entries(forms))
  for (const name of (form === "zip" ? ["resnet50", "resnet101"] : ["resnet50"]) satisfies readonly ResNetName[])
    test(`torchvision's ${name} as torch.save writes it, ${form}`, { skip }, (t) => {
      const path = join(temporaryFolder(t), "weights");
      run(
        `torch.manual_seed(1); m = torchvision.models.${name}(); [b.normal_() for k, b in m.named_buffers() if "running" in k]
torch.save(m.state_dict(), sys.argv[1]${option})`,
        [path],
      );
      scope(() => {
        using resnet = new ResNet(name);
        loadResNetWeights(resnet, path);
        assertEqualToFile(resnet, openCheckpoint(path).tree);
      });
    });

for (const depth of [50, 101] as const)
  test(`the ResNet-${depth} in torchvision's DeepLabV3, plain and as the authors' baseline saves it`, { skip }, (t) => {
    const folder = temporaryFolder(t);
    run(
      `m = torchvision.models.segmentation.deeplabv3_resnet${depth}(weights=None, weights_backbone=None, aux_loss=True)
torch.save(m.state_dict(), sys.argv[1])
torch.save({"epoch": 3, "best_miou": numpy.float64(0.5), "model_state_dict": m.state_dict(), "run_id": "x"}, sys.argv[2])`,
      [join(folder, "plain"), join(folder, "trained")],
    );
    for (const file of ["plain", "trained"])
      scope(() => {
        using resnet = new ResNet(`resnet${depth}`);
        loadResNetWeights(resnet, join(folder, file));
        assertEqualToFile(resnet, openCheckpoint(join(folder, "plain")).tree, "backbone.");
        using published = new PublishedFile(join(folder, file));
        assert.equal(published.family, "deeplabv3");
        assert.ok(published.part("deeplabv3").tensors.has("aux_classifier.4.bias"));
      });
  });

/** A state dict with these names and shapes, of random numbers, as `state` in Python. */
const randomState = `
shapes = json.load(sys.stdin)
torch.manual_seed(2)
state = {n: torch.zeros((), dtype=torch.int64) if n.endswith("num_batches_tracked") else torch.rand(s) for n, s in shapes.items()}
`;

function runOnShapes(
  shapes: Readonly<Record<string, readonly number[]>>,
  program: string,
  args: readonly string[],
): void {
  const { status, stderr } = spawnSync(python, ["-c", `${modules}, sys, json\n${randomState}${program}`, ...args], {
    input: JSON.stringify(shapes),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr.slice(-2000));
}

function shapesOf(network: nn.Module, prefix = ""): Record<string, readonly number[]> {
  return Object.fromEntries([...network.stateDict()].map(([name, { shape }]) => [prefix + name, shape]));
}

for (const [form, option] of Object.entries(forms))
  test(`MobileSAM's file as its authors save it, ${form}: the whole, and its encoder`, { skip }, (t) => {
    const path = join(temporaryFolder(t), "mobile_sam.pt");
    const sam = onMeta(() => buildSam("mobile-sam"));
    runOnShapes(shapesOf(sam), `torch.save(state, sys.argv[1]${option})`, [path]);
    scope(() => {
      const { tree } = openCheckpoint(path);
      using whole = nn.init.skipInit(() => buildSam("mobile-sam"));
      loadSamWeights(whole, path);
      assertEqualToFile(whole, tree);
      using encoder = nn.init.skipInit(() => buildEncoder("mobile-sam"));
      loadEncoderWeights(encoder, path);
      assertEqualToFile(encoder, tree, "image_encoder.");
    });
  });

test("AD-SAM's checkpoint as its authors' trainers save it: with NumPy's score, and with the optimiser's state", {
  skip,
}, (t) => {
  const folder = temporaryFolder(t);
  const config = { embeddingOnly: true, decoder: "deformable-convolution", encoder: "sam-vit-h" } as const;
  const shapes = {
    ...shapesOf(onMeta(() => new AdSam(config))),
    _imgnet_mean: [1, 3, 1, 1],
    _imgnet_std: [1, 3, 1, 1],
  };
  runOnShapes(
    { ...shapes, _sam_mean: [1, 3, 1, 1], _sam_std: [1, 3, 1, 1] },
    `
torch.save({"epoch": 7, "best_miou": numpy.mean(numpy.array([0.4, 0.6])), "model_state_dict": state, "run_id": "r", "ablation": "full"}, sys.argv[1])
optimizer = torch.optim.AdamW([{"params": [torch.nn.Parameter(torch.ones(3))], "lr": 2e-4}], weight_decay=5e-4)
optimizer.param_groups[0]["params"][0].grad = torch.ones(3); optimizer.step()
torch.save({"epoch": 7, "model_state_dict": {"module." + n: t for n, t in state.items()}, "optimizer_state_dict": optimizer.state_dict(), "best_miou": numpy.float64(0.5)}, sys.argv[2])`,
    [join(folder, "lean"), join(folder, "full")],
  );
  for (const file of ["lean", "full"])
    scope(() => {
      using network = nn.init.skipInit(() => new AdSam(config));
      assert.deepEqual(loadAdSamWeights(network, join(folder, file)), { encoder: false });
      const tree = openCheckpoint(join(folder, "lean")).tree as ReadonlyMap<string, unknown>;
      assertEqualToFile(network, tree.get("model_state_dict"));
    });
});

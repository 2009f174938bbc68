/** AD-SAM as its authors' trainers save it, of any size, and the encoder it stands on, as a file of its own. */
import { spawnSync } from "node:child_process";
import { Generator, nn, saveCheckpoint, scope, type Tensor, zeros } from "@adsam/torch";
import { AdSam, type AdSamConfig } from "../src/models/ad-sam.js";
import { stateOf } from "./published-files.js";

/** Small, and no two widths alike. */
export const smallSizes = {
  numClasses: 19,
  encoder: "nano",
  resnet: "nano",
  decoder: "deformable-convolution",
  fusionDim: 40,
  decoderDims: [32, 24, 16],
} as const satisfies Partial<AdSamConfig>;

/** A network whose offsets and modulation have left zero, so that its deformable layers deform. */
export function trainedLike(config: Partial<AdSamConfig> = {}): AdSam {
  Generator.default().seed(7);
  const network = new AdSam({ ...smallSizes, ...config }).eval();
  for (const [name, tensor] of network.namedParameters())
    if (/(offset|mask)_conv\.weight$/.test(name)) nn.init.normal_(tensor, { mean: 0, std: 0.1 });
  return network;
}

/** Their names of what is trained: in their ablation without deformable layers, bare convolutions. */
export function authorsName(name: string, { deformable }: Pick<AdSamConfig, "deformable">): string {
  if (deformable) return name;
  return name.replace(/^(up\d\.conv\.[03])\.conv\./, "$1.").replace(/(\.fusion_conv)\.conv\./, "$1.");
}

/** What `model_state_dict` holds: the trained tensors and four constants, without the frozen encoder. */
export function authorsState(network: AdSam): Map<string, Tensor> {
  const trained = [...network.stateDict()].filter(([name]) => !name.startsWith("sam_encoder."));
  const constants = ["_imgnet_mean", "_imgnet_std", "_sam_mean", "_sam_std"];
  return new Map([
    ...constants.map((name) => [name, zeros([1, 3, 1, 1])] as const),
    ...trained.map(([name, tensor]) => [authorsName(name, network.config), tensor] as const),
  ]);
}

/** Writes the authors' training checkpoint. @returns the path */
export function writeAuthors(file: string, network: AdSam): string {
  scope(() =>
    saveCheckpoint(file, {
      epoch: 41,
      best_miou: 0.5,
      model_state_dict: authorsState(network),
      run_id: "ADSAM_x",
      ablation: "full",
    }),
  );
  return file;
}

/** Writes the network's encoder under segment-anything's names. @returns the path */
export function writeEncoder(file: string, network: AdSam): string {
  scope(() => saveCheckpoint(file, stateOf(network.samEncoder!, "image_encoder.")));
  return file;
}

const python = "/usr/bin/python3";
export const withoutPython =
  spawnSync(python, ["-c", "import torch, numpy"]).status !== 0 && "no /usr/bin/python3 with torch";

/** Writes random weights for these shapes, as the authors' script does with `torch.save`: NumPy's score among them. */
export function writeByPython(file: string, shapes: Readonly<Record<string, readonly number[]>>): void {
  const program = `
import json, numpy, sys, torch
torch.manual_seed(2)
state = {}
for name, shape in json.load(sys.stdin).items():
    if name.endswith("num_batches_tracked"): state[name] = torch.tensor(3)
    elif name.endswith("running_var") or len(shape) == 1 and name.endswith("weight"): state[name] = 1 + 0.1 * torch.rand(shape)
    else: state[name] = torch.randn(shape) / max(1, numpy.prod(shape[1:])) ** 0.5
torch.save({"epoch": 7, "best_miou": numpy.mean(numpy.array([0.4, 0.6])), "model_state_dict": state, "run_id": "r", "ablation": "full"}, sys.argv[1])`;
  const { status, stderr } = spawnSync(python, ["-c", program, file], {
    input: JSON.stringify(shapes),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
}

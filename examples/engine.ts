/**
 * The engine alone: tensors, slopes, a small network that learns to tell two spirals apart, its weights saved and loaded.
 *
 *     npx tsc -b && node examples/dist/engine.js [spirals.safetensors]
 */
import {
  Generator,
  linspace,
  liveTensors,
  loadSafetensors,
  nn,
  optim,
  saveSafetensors,
  scope,
  stack,
  Tensor,
} from "@adsam/torch";

const x = Tensor.of([1, 2, 3]).requiresGrad_();
x.square().sum().backward(); // the slope of Σ x² is 2x
console.log(`slope of Σ x² at 1, 2, 3: ${x.grad!.toNumbers().join(", ")}`);

/** A spiral of `n` points, one and a half turns from the middle outwards, that begins at the angle `from`. */
function spiral(n: number, from: number): Tensor {
  const radius = linspace(0.1, 1, n);
  const angle = radius.mul(3 * Math.PI).add(from);
  return stack([angle.cos().mul(radius), angle.sin().mul(radius)], { dim: 1 }); // [n, 2]
}
const points = stack([spiral(200, 0), spiral(200, Math.PI)]); // [2, 200, 2]
const labels = Tensor.of([[[0]], [[1]]]).expand([2, 200, 1]); // which spiral

/** Its parameters are called `layers.0.weight`, `layers.0.bias`, …, as PyTorch would call them. */
class Classifier extends nn.Module {
  readonly layers = new nn.Sequential(new nn.Linear(2, 256), new nn.GELU(), new nn.Linear(256, 1));

  forward(points: Tensor): Tensor {
    return this.layers.call(points); // [..., 2] → [..., 1], above 0 for the second spiral
  }
}

Generator.default().seed(1);
const network = new Classifier();
const optimiser = new optim.AdamW(network.parameters(), { lr: 0.03 });
for (let step = 1; step <= 500; step++) {
  const loss = scope(() => {
    const loss = network.call(points).binaryCrossEntropyWithLogits(labels);
    loss.backward();
    return loss.item(); // a number; every tensor made in the scope is freed here
  });
  optimiser.step();
  optimiser.zeroGrad();
  if (step % 100 === 0) console.log(`step ${step}: loss ${loss.toFixed(4)}, ${liveTensors().count} tensors alive`);
}

const path = process.argv[2] ?? "spirals.safetensors";
saveSafetensors(path, network.stateDict());
const loaded = new Classifier();
loaded.loadStateDict(loadSafetensors(path));
const right = scope(() => loaded.call(points).gt(0).eq(labels).sum().item());
console.log(`${right} of ${labels.numel} points on the right spiral, by the weights in ${path}`);

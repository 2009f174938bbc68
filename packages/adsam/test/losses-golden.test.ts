import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor } from "@adsam/torch";
import { diceLoss } from "../src/losses/dice.js";
import { focalLoss } from "../src/losses/focal.js";
import { HybridLoss } from "../src/losses/hybrid.js";
import { lovaszLoss } from "../src/losses/lovasz.js";
import { type Prediction, predict } from "../src/losses/prediction.js";
import { surfaceLoss } from "../src/losses/surface.js";
import {
  assertClose,
  assertNumber,
  type GoldenTensor,
  goldenInput,
  type InputSpec,
  type LabelSpec,
  labelMap,
  loadGolden,
} from "./golden.js";

interface Golden {
  readonly inputs: { readonly logits: InputSpec; readonly target: LabelSpec };
  readonly losses: Readonly<
    Record<"focal" | "dice" | "lovasz" | "boundary" | "hybrid", { value: number; grad: GoldenTensor }>
  >;
}

const golden = loadGolden<Golden>("losses.json");
const { ignore: ignoreIndex } = golden.inputs.target;

function inputs(dtype: "uint8" | "int64"): { logits: Tensor; labels: Tensor } {
  const logits = goldenInput("logits", golden.inputs.logits).requiresGrad_();
  const [batch, , height, width] = logits.dims4("logits");
  return { logits, labels: labelMap(golden.inputs.target, { batch, height, width }, { dtype }) };
}

/** The gradients are around 1e-5: they are held to 1e-4 of their own largest value, not to 1e-5 of 1. */
function matches(name: keyof Golden["losses"], logits: Tensor, value: Tensor): void {
  const { value: expected, grad } = golden.losses[name];
  assertNumber(value.item(), expected, { tol: 1e-5, name });
  value.backward();
  assertClose(logits.grad!, grad, { tol: 1e-4, scale: grad.absmax, name: `gradient of ${name}` });
}

const terms: Record<"focal" | "dice" | "lovasz" | "boundary", (prediction: Prediction) => Tensor> = {
  focal: focalLoss,
  dice: diceLoss,
  lovasz: lovaszLoss,
  boundary: surfaceLoss,
};

for (const [name, loss] of Object.entries(terms) as [keyof typeof terms, (prediction: Prediction) => Tensor][])
  test(`${name}: the authors' value and gradient`, () => {
    const { logits, labels } = inputs(name === "focal" ? "int64" : "uint8");
    matches(name, logits, loss(predict(logits, labels, { ignoreIndex })));
  });

test("hybrid: the authors' value, gradient and terms", () => {
  const { logits, labels } = inputs("uint8");
  using hybrid = new HybridLoss({ ignoreIndex });
  const { total, parts } = hybrid.call(logits, labels);
  assert.deepEqual(Object.keys(parts), ["focal", "dice", "lovasz", "surface"]);
  for (const [part, name] of Object.entries({ focal: "focal", dice: "dice", lovasz: "lovasz", surface: "boundary" }))
    assertNumber(parts[part as "focal"]!.item(), golden.losses[name as "focal"].value, { name: part });
  matches("hybrid", logits, total);
});

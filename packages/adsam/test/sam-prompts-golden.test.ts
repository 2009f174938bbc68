import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nn, noGrad, scope, Tensor } from "@adsam/torch";
import { MaskDecoder } from "../src/models/sam/mask-decoder.js";
import { PromptEncoder, type PromptTensors } from "../src/models/sam/prompt-encoder.js";
import { assertClose, fillModule, type GoldenTensor, goldenInput, type InputSpec, loadGolden } from "./golden.js";

interface Case {
  readonly sparse: GoldenTensor;
  readonly dense: GoldenTensor;
  readonly lowResMasks: GoldenTensor;
  readonly iou: readonly (readonly number[])[];
}

interface PromptGolden {
  readonly inputs: {
    readonly image_embedding: InputSpec;
    readonly point_coords: InputSpec;
    readonly point_labels: readonly (readonly number[])[];
    readonly boxes: readonly (readonly number[])[];
    readonly mask_input: InputSpec;
  };
  readonly positionalEncoding: GoldenTensor;
  readonly cases: Readonly<Record<string, Case>>;
}

const golden = loadGolden<PromptGolden>("sam-prompt-mask-decoder.json");

/** The two modules, filled under the names that they have in SAM. */
class Prompted extends nn.Module {
  readonly promptEncoder = new PromptEncoder(256, 64, 1024);
  readonly maskDecoder = new MaskDecoder(256);
  forward(): void {}
}

function promptsOf(name: string): PromptTensors {
  const { inputs } = golden;
  const has = (what: string) => name.split(" ")[0]!.split("+").includes(what);
  return {
    ...(has("points") && {
      pointCoords: goldenInput("point_coords", inputs.point_coords),
      pointLabels: Tensor.of(inputs.point_labels).to({ dtype: "int64" }),
    }),
    ...(has("box") && { boxes: Tensor.of(inputs.boxes) }),
    ...(has("mask") && { masks: goldenInput("mask_input", inputs.mask_input) }),
  };
}

describe("SAM's prompt encoder and mask decoder", () => {
  for (const [name, expected] of Object.entries(golden.cases))
    test(`equal segment-anything's: ${name}`, () => {
      using both = fillModule(new Prompted());
      noGrad(() =>
        scope(() => {
          const { promptEncoder, maskDecoder } = both;
          const positions = promptEncoder.densePositions();
          assertClose(positions, golden.positionalEncoding);
          const prompts = promptEncoder.call(2, promptsOf(name));
          assertClose(prompts.sparse, expected.sparse);
          assertClose(prompts.dense.contiguous(), expected.dense);
          const image = goldenInput("image_embedding", golden.inputs.image_embedding);
          const multimaskOutput = name.endsWith("multimask=True");
          const decoded = maskDecoder.call(image, positions, prompts, { multimaskOutput });
          assertClose(decoded.lowResMasks, expected.lowResMasks);
          const iou = decoded.iouPredictions.toNested() as number[][];
          assert.equal(iou.length, expected.iou.length);
          for (const [p, row] of expected.iou.entries())
            for (const [m, value] of row.entries())
              assert.ok(Math.abs(iou[p]![m]! - value) <= 1e-4, `IoU ${p}, ${m}: ${iou[p]![m]} for ${value}`);
        }),
      );
    });
});

import { Generator, Problem } from "@adsam/torch";
import { type Compute, type ComputeChoice, chooseCompute } from "../compute.js";
import { isFile, isFolder } from "../data/files.js";
import { encoderNames, isEncoderName, isPretrained } from "../models/encoder-names.js";
import type { EncoderSpec } from "../models/encoders.js";
import { encoderOf, encoderTitle } from "../models/published/encoder-config.js";
import { buildSam, type Sam } from "../models/sam/sam.js";
import { openSam } from "../models/weights.js";
import { requireCachedFile } from "../weights/cache.js";

export interface SamSource {
  /** A name of the registry, or a checkpoint of SAM. Default: the one in `weights`, else MobileSAM on a CPU and ViT-H on a GPU. */
  readonly encoder?: string;
  /** A checkpoint of SAM. Default: the encoder's own, out of the cache. */
  readonly weights?: string;
  /** For the first weights of an encoder that no one pretrained. Default: 0. */
  readonly seed?: number;
  readonly device?: ComputeChoice["device"];
  readonly precision?: ComputeChoice["precision"];
  readonly threads?: ComputeChoice["threads"];
}

/** SAM, ready to be asked. */
export interface OpenSam {
  /** In evaluation mode, on the device; the caller's to dispose. */
  readonly sam: Sam;
  readonly compute: Compute;
  /** As the registry calls it, or by its sizes. */
  readonly encoder: string;
  /** The file; null: random. */
  readonly weights: string | null;
}

/** What a source stands for, before anything large is read. */
export interface SamPlan {
  readonly compute: Compute;
  readonly spec: EncoderSpec;
  readonly encoder: string;
  readonly weights: string | null;
  readonly seed: number;
}

/**
 * Settles encoder, weights and device.
 * @throws Problem for an unknown encoder, weights that are not there (with what to do), a device that is not there, and two files
 */
export async function planSam(source: SamSource): Promise<SamPlan> {
  const { device = "auto", precision = "auto", threads = "auto", seed = 0 } = source;
  const compute = chooseCompute({ device, precision, threads });
  const asked = source.encoder;
  const isName = asked !== undefined && isEncoderName(asked);
  const there = async (file: string) => (await isFile(file)) || (await isFolder(file)); // a folder of shards
  if (asked !== undefined && !isName && !(await there(asked)))
    throw new Problem({
      what: "--encoder",
      found: `"${asked}"`,
      expected: `one of ${encoderNames.join(", ")}, or a checkpoint of SAM`,
    });
  if (asked !== undefined && !isName && source.weights !== undefined)
    throw new Problem({
      what: "--encoder and --weights",
      found: `"${asked}" and "${source.weights}"`,
      expected: "one checkpoint",
      todo: "Leave one of them out; a checkpoint says which encoder is in it.",
    });
  const file = asked !== undefined && !isName ? asked : source.weights;
  if (file !== undefined) {
    if (!(await there(file)))
      throw new Problem({ what: "--weights", found: `no file "${file}"`, expected: "a checkpoint of SAM" });
    const spec = isName ? asked : encoderOf(file);
    return { compute, spec, encoder: typeof spec === "string" ? spec : encoderTitle(spec), weights: file, seed };
  }
  const name = asked ?? (compute.device === "cpu" ? "mobile-sam" : "sam-vit-h");
  return { compute, spec: name, encoder: name, weights: isPretrained(name) ? requireCachedFile(name) : null, seed };
}

/** Builds what was planned. @throws Problem for a file that does not fit the encoder */
export function openPlanned({ compute, spec, encoder, weights, seed }: SamPlan): OpenSam {
  if (weights === null) Generator.default().seed(seed);
  const sam = weights === null ? buildSam(spec).eval() : openSam(weights, spec);
  return { sam: sam.to({ device: compute.device }), compute, encoder, weights };
}

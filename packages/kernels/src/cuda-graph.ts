import { buildInfo, keep, noGrad, scope, type Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/** Compute capability of the GPU in use, times ten (90: 9.0); undefined without a GPU or the kernels written in CUDA. */
export function cudaCapability(): number | undefined {
  const { cuda, cudaKernels } = buildInfo();
  return cuda && cudaKernels ? (callKernel("_cuda_capability", []) as number) : undefined;
}

/** One forward recorded at one shape. */
interface Recorded {
  readonly graph: number;
  readonly input: Tensor;
  readonly output: Tensor;
}

/**
 * A network's forward without a graph of gradients, recorded once a shape as a CUDA graph and then replayed: one launch instead of
 * hundreds, which is what a small batch waits for. A shape is recorded when it comes for the second time, so that one that comes once costs
 * nothing. Weights must stay where they are; their values may change.
 */
export class GraphedForward {
  /** By shape and dtype; undefined after the first time. */
  private readonly recorded = new Map<string, Recorded | undefined>();
  private refusal: string | undefined;

  /** @param forward of one tensor on the GPU; must not look at values there (`item()`) */
  constructor(private readonly forward: (input: Tensor) => Tensor) {
    const { cuda, cudaKernels } = buildInfo();
    if (!cuda) this.refusal = "there is no GPU";
    else if (!cudaKernels) this.refusal = "the kernels written in CUDA are not built";
  }

  /** Why calls are not replayed; undefined where they are. */
  get whyNot(): string | undefined {
    return this.refusal;
  }

  /** What `forward` gives for the input; the caller's own, as a plain call's. */
  call(input: Tensor): Tensor {
    if (this.refusal !== undefined || input.device === "cpu") return noGrad(() => this.forward(input));
    const shape = `${input.dtype} ${input.device} ${input.shape.join("×")} ${input.strides.join(" ")}`;
    const recorded = this.recorded.get(shape);
    if (recorded) return this.replay(recorded, input);
    if (!this.recorded.has(shape)) {
      this.recorded.set(shape, undefined);
      return noGrad(() => this.forward(input));
    }
    const made = this.record(input);
    if (!made) return noGrad(() => this.forward(input));
    this.recorded.set(shape, made);
    return this.replay(made, input);
  }

  private replay({ graph, input: own, output }: Recorded, input: Tensor): Tensor {
    return noGrad(() => {
      own.copy_(input);
      callKernel("_cuda_graph_replay", [graph]);
      return output.clone();
    });
  }

  /** Undefined, with the reason in `whyNot`, where the forward cannot be recorded. */
  private record(input: Tensor): Recorded | undefined {
    const own = noGrad(() => keep(input.clone()));
    const graph = callKernel("_cuda_graph_begin", []) as number;
    try {
      const output = noGrad(() => scope(() => keep(this.forward(own))));
      callKernel("_cuda_graph_end", [graph]);
      return { graph, input: own, output };
    } catch (error) {
      callKernel("_cuda_graph_free", [graph]);
      own.dispose();
      this.refusal = `its recording failed: ${(error as Error).message.split("\n")[0]}`;
      return undefined;
    }
  }

  /** Frees the recordings. */
  dispose(): void {
    for (const recorded of this.recorded.values()) {
      if (!recorded) continue;
      callKernel("_cuda_graph_free", [recorded.graph]);
      recorded.input.dispose();
      recorded.output.dispose();
    }
    this.recorded.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

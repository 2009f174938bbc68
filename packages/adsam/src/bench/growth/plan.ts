import { Problem } from "@adsam/torch/problem";
import type { Order, WorkName } from "../order.js";

/** What is changed while the rest stays. */
export type Axis = "size" | "threads" | "batch";

/** One work along one axis. */
export interface GrowthPlan {
  readonly id: string;
  readonly work: string;
  readonly axis: Axis;
  readonly points: readonly { readonly x: number; readonly order: Order }[];
}

interface GrowthOptions {
  readonly threads: number;
  readonly device: Order["device"];
  readonly dtype: Order["dtype"];
  readonly quick: boolean;
}

interface Grower {
  readonly id: string;
  readonly title: string;
  readonly name: WorkName;
  /** The picture is divided by it: deformable layers see maps of a quarter. */
  readonly stride?: number;
  readonly more?: Partial<Order>;
}

/** The chief works. */
const growers: readonly Grower[] = [
  { id: "ad-sam-forward", title: "AD-SAM evaluation forward", name: "ad-sam-forward" },
  { id: "ad-sam-step", title: "AD-SAM training step", name: "ad-sam-step" },
  { id: "hybrid-loss", title: "hybrid loss, forward and backward", name: "hybrid-loss" },
  {
    id: "deform-conv",
    title: "deformable convolution 128→64 at a quarter of the size, forward and backward",
    name: "deform-conv",
    stride: 4,
    more: { channels: [128, 64], backward: true },
  },
  { id: "sam-encoder", title: "SAM ViT-B encoder", name: "sam-encoder", more: { encoder: "sam-vit-b" } },
];

/**
 * Which sizes, threads and batches are measured: sizes up to 2048 at batch 1, threads at 1024, batches at 512.
 * @param wanted works by name; empty: all
 * @throws Problem for a name that is none of theirs
 */
export function growthPlans(
  { threads, device, dtype, quick }: GrowthOptions,
  wanted: readonly string[] = [],
): readonly GrowthPlan[] {
  const strange = wanted.find((name) => !growers.some(({ id }) => id === name));
  if (strange !== undefined)
    throw new Problem({
      what: "works whose growth is measured",
      found: `"${strange}"`,
      expected: `some of ${growers.map(({ id }) => id).join(", ")}`,
    });
  const sizes = quick ? [64, 96, 128] : [256, 512, 1024, 2048];
  const batches = quick ? [1, 2] : [1, 2, 4, 8];
  const counts = [1];
  while (counts.at(-1)! * 2 <= threads) counts.push(counts.at(-1)! * 2);
  const [sizeOfThreads, sizeOfBatches] = quick ? [64, 64] : [1024, 512];
  return growers
    .filter(({ id }) => wanted.length === 0 || wanted.includes(id))
    .flatMap((grower) => {
      const order = (size: number, change: Partial<Order>): Order => {
        const side = size / (grower.stride ?? 1);
        const common = { work: grower.name, batch: 1, height: side, width: side, threads, device, dtype };
        const more = quick && grower.name === "sam-encoder" ? { encoder: "tiny" } : grower.more;
        return { ...common, ...more, ...change };
      };
      const of = (axis: Axis, values: readonly number[], at: (x: number) => Order): GrowthPlan => ({
        id: `${grower.id}-${axis}`,
        work: grower.title,
        axis,
        points: values.map((x) => ({ x, order: at(x) })),
      });
      return [
        of("size", sizes, (size) => order(size, {})),
        ...(counts.length > 1 && device === "cpu"
          ? [of("threads", counts, (threads) => order(sizeOfThreads, { threads }))]
          : []),
        of("batch", batches, (batch) => order(sizeOfBatches, { batch })),
      ];
    });
}

/** How much work a point is beside another: pixels times pictures. */
export const amount = ({ height, width, batch }: Order): number => height * width * batch;

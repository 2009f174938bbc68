import type { Order, WorkName } from "../order.js";
import type { PeerName } from "../sides/peers.js";
import type { CatalogueOptions, Comparison } from "./comparison.js";

/** An order for pictures of `height`×`width`; the dtype of the command line, else float32. */
export function orderFor(
  work: WorkName,
  { height, width }: { readonly height: number; readonly width: number },
  { batch, threads, device, dtype }: CatalogueOptions,
): Order {
  return { work, batch, height, width, threads, device, dtype: dtype ?? "float32" };
}

export const squareOrder = (work: WorkName, side: number, options: CatalogueOptions): Order =>
  orderFor(work, { height: side, width: side }, options);

/** This project and one peer by the same order; on the CPU the peer in float32, whatever is asked of this project. */
export function bothSides(peer: PeerName, order: Order): Comparison["sides"] {
  const dtype = order.device === "cpu" ? "float32" : order.dtype;
  return { ours: { who: "ours", order }, [peer]: { who: peer, order: { ...order, dtype } } };
}

/** `512×512, batch 2, on cuda` */
export const sizeText = (side: number, options: CatalogueOptions): string =>
  `${side}×${side}${options.batch > 1 ? `, batch ${options.batch}` : ""}${options.device === "cpu" ? "" : `, on ${options.device}`}`;

export const dtypeText = ({ dtype }: CatalogueOptions): string => (dtype === "bfloat16" ? ", bfloat16" : "");

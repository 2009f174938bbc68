import type { AgreementRule } from "../agreement.js";
import type { Order } from "../order.js";
import type { PeerName } from "../sides/peers.js";

/** One process among those that are compared. */
export interface ComparisonSide {
  /** Whose program. */
  readonly who: "ours" | PeerName;
  readonly order: Order;
}

/** One line of the table: a side of ours against a peer, in one phase. */
export interface RowPlan {
  readonly work: string;
  readonly ours: string;
  /** A side's key. */
  readonly peer?: string;
  /** Of the turn. Default `total`. */
  readonly phase?: string;
  /** How many times faster is wanted at least. */
  readonly target?: number;
  /** Whether memory is a line of its own, and how many times less is wanted at least. */
  readonly memory?: { readonly target?: number };
}

/** How two sides' outputs are held against each other before time counts. */
export interface AgreementPlan {
  readonly ours: string;
  readonly peer: string;
  readonly rules: readonly AgreementRule[];
}

/** A work, done by several sides turn by turn. */
export interface Comparison {
  /** By which it is chosen: `ad-sam-step-512`. */
  readonly id: string;
  readonly group: string;
  /** By key. */
  readonly sides: Readonly<Record<string, ComparisonSide>>;
  readonly rows: readonly RowPlan[];
  readonly agreements: readonly AgreementPlan[];
  /** What must lie on the disk first; its path goes into the orders. */
  readonly needs?: "pictures" | "onnx-encoder" | "onnx-deform-conv";
}

/** What the command line changes about the works. */
export interface CatalogueOptions {
  readonly threads: number;
  readonly device: Order["device"];
  /** Undefined: each work's own. */
  readonly dtype: Order["dtype"] | undefined;
  readonly batch: number;
  /** Of the works that take a square picture; undefined: each work's own. */
  readonly sizes: readonly number[] | undefined;
  /** Small sizes, to see that all works and agrees. */
  readonly quick: boolean;
}

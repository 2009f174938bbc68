/** Work that several processes, and several workers of each, share: every piece is claimed by who does it. */
import type { Claim, Claims } from "../../data/embeddings/claims.js";
import type { ProcessMark } from "../../process-mark.js";
import { holderText } from "./study-claims.js";

interface Sharing {
  readonly claims: Claims;
  /** Pieces done at once. */
  readonly workers: number;
  readonly signal: AbortSignal;
}

/** A piece that another process is at. */
export interface Elsewhere<T> {
  readonly piece: T;
  readonly by: string;
}

/**
 * Does every piece that no one else is at, in their order.
 * @param work is told to stop by its signal, also where another piece has thrown
 * @returns the pieces left to other processes, those among them that were lost while they were worked on
 * @throws the first error, once all that was at work beside it has ended
 */
export async function doClaimed<T extends { readonly place: string }>(
  pieces: readonly T[],
  { claims, workers, signal }: Sharing,
  work: (piece: T, held: { readonly claim: Claim; readonly signal: AbortSignal }) => Promise<void>,
): Promise<Elsewhere<T>[]> {
  const failing = new AbortController();
  const stop = AbortSignal.any([signal, failing.signal]);
  const elsewhere: Elsewhere<T>[] = [];
  const queue = pieces.values();
  const worker = async () => {
    for (const piece of queue) {
      if (stop.aborted) return;
      const claim = claims.take(piece.place);
      if (!claim) {
        elsewhere.push({ piece, by: holderText(claims.holder(piece.place)) });
        continue;
      }
      try {
        await work(piece, { claim, signal: stop });
        if (claim.lost.aborted) elsewhere.push({ piece, by: holderText(claim.lost.reason as ProcessMark | null) });
      } finally {
        claim.release();
      }
    }
  };
  const failures: unknown[] = [];
  await Promise.all(
    Array.from({ length: Math.max(1, workers) }, () =>
      worker().catch((error: unknown) => {
        failures.push(error);
        failing.abort();
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return elsewhere;
}

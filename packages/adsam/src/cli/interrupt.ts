import type { Output } from "./output.js";

/**
 * Ctrl-C once asks, twice ends. The first SIGINT (or SIGTERM) aborts the signal returned here: the command finishes the step at hand and saves.
 * From then on the process has no handler, so a second one ends it at once, also in the middle of a long operator.
 * @param promise what the command will do, for the reader: `finishing this step, then saving`
 */
export function stopSignal(output: Output, promise: string): AbortSignal {
  const stop = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const ask = () => {
    for (const signal of signals) process.removeListener(signal, ask);
    output.note(`\nstopping: ${promise} (Ctrl-C again ends it at once)`);
    stop.abort();
  };
  for (const signal of signals) process.on(signal, ask);
  return stop.signal;
}

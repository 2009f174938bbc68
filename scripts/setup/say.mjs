// @ts-check
/** Progress on stderr: one line a step, rewritten in place on a terminal, written once at the start and once at the end elsewhere. */

const isTerminal = process.stderr.isTTY === true;

/** @param {string} text a whole line */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Starts a step's line.
 * @param {string} title what is being done, as in "compiling TypeScript"
 */
export function startStep(title) {
  const began = performance.now();
  let detail = "";
  const seconds = () => Math.round((performance.now() - began) / 1000);
  const draw = () => {
    const line = `adsam: ${title} … ${seconds()} s ${detail}`;
    process.stderr.write(`\r\x1b[K${line.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1))}`);
  };
  if (isTerminal) draw();
  else say(`adsam: ${title} …`);
  const timer = isTerminal ? setInterval(draw, 1000) : undefined;
  const finish = (/** @type {string} */ outcome) => {
    clearInterval(timer);
    say(
      `${isTerminal ? "\r\x1b[K" : ""}adsam: ${title}: ${outcome} (${((performance.now() - began) / 1000).toFixed(1)} s)`,
    );
  };
  return {
    /** What the step is at just now; shown on a terminal only. @param {string} text */
    update(text) {
      detail = text;
      if (isTerminal) draw();
    },
    done: (outcome = "done") => finish(outcome),
    failed: () => finish("failed"),
  };
}

import cliProgress from "cli-progress";
import type { Output } from "./output.js";

export interface ProgressLine {
  update(done: number, total: number): void;
  /** Takes the bar away. Safe to call twice. */
  end(): void;
}

/** A bar on stderr for work that is counted in files; draws only on a terminal. */
export function progressLine(output: Output, label: string): ProgressLine {
  const stream = output.progressStream as NodeJS.WriteStream;
  let bar: cliProgress.SingleBar | undefined;
  return {
    update(done, total) {
      if (stream.isTTY !== true) return;
      if (bar === undefined) {
        const look = { barCompleteChar: "━", barIncompleteChar: "─", barsize: 24, clearOnComplete: true };
        const untouched = { hideCursor: false, linewrap: true, gracefulExit: false }; // Ctrl-C may end the process at any moment
        bar = new cliProgress.SingleBar({
          ...look,
          ...untouched,
          stream,
          format: `${label} {bar} {value}/{total}`,
        });
        bar.start(total, done);
      }
      bar.update(done);
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}

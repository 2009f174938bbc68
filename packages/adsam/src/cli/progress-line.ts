import cliProgress from "cli-progress";
import type { Output } from "./output.js";

export interface ProgressLine {
  /** @param remark stands behind the count: `1.2 pictures/s` */
  update(done: number, total: number, remark?: string): void;
  /** Takes the bar away. Safe to call twice. */
  end(): void;
}

/** A bar on stderr for work that is counted in files; draws only on a terminal. */
export function progressLine(output: Output, label: string): ProgressLine {
  const stream = output.progressStream as NodeJS.WriteStream;
  let bar: cliProgress.SingleBar | undefined;
  return {
    update(done, total, remark) {
      if (stream.isTTY !== true) return;
      if (bar === undefined) {
        const look = { barCompleteChar: "━", barIncompleteChar: "─", barsize: 24, clearOnComplete: true };
        const untouched = { hideCursor: false, linewrap: true, gracefulExit: false }; // Ctrl-C may end the process at any moment
        bar = new cliProgress.SingleBar({
          ...look,
          ...untouched,
          stream,
          format: `${label} {bar} {value}/{total}{remark}`,
        });
        bar.start(total, done, { remark: "" });
      }
      bar.update(done, { remark: remark === undefined ? "" : `  ${remark}` });
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}

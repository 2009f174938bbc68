import type { CommandEntry } from "./command.js";

/** Every command in the order of the help. Only the one that is asked for is loaded, so that the help never loads libtorch. */
export const commands: readonly CommandEntry[] = [];

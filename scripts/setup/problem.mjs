// @ts-check

/** Something about this machine that stops the set-up and that its owner can mend: the message says how. Printed without a stack. */
export class SetupProblem extends Error {
  /** @override */
  name = "SetupProblem";
}

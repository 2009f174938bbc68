/** What a person needs to know about something that went wrong: four sentences, any of which may be left out but the first. */
export interface ProblemParts {
  /** Who is complaining, and about what: `label "a/b.png"`, `conv2d`, `recipe key "optim.lr"`. */
  readonly what: string;
  readonly found?: string;
  readonly expected?: string;
  /** What to do about it. */
  readonly todo?: string;
}

/**
 * A mistake outside the program: bad input, a missing file, a wrong shape. Its message is one paragraph, and the command line
 * prints it without a stack. Anything that is not a `Problem` is a defect of ours and keeps its stack.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly parts: ProblemParts;

  constructor(parts: ProblemParts, options?: ErrorOptions) {
    super(paragraph(parts), options);
    this.parts = parts;
  }
}

function paragraph({ what, found, expected, todo }: ProblemParts): string {
  let text = what;
  if (found !== undefined) text += `: found ${found}`;
  if (expected !== undefined) text += `${found === undefined ? ":" : ","} expected ${expected}`;
  return todo === undefined ? text : `${text}. ${todo}`;
}

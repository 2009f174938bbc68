/** An item and how its task ended. */
export interface Done<Item, Result> {
  readonly item: Item;
  readonly outcome: PromiseSettledResult<Result>;
}

/**
 * Tasks begun up to `depth` items before they are due, given in the order of their items: the next picture is decoded while the
 * network looks at this one.
 */
export async function* ahead<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  depth: number,
  begin: (item: Item) => Promise<Result>,
): AsyncGenerator<Done<Item, Result>, void, undefined> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const begun: Promise<Done<Item, Result>>[] = [];
  let ended = false;
  try {
    for (;;) {
      while (!ended && begun.length <= depth) {
        const next = await source.next();
        if (next.done) ended = true;
        else begun.push(settled(next.value, begin(next.value)));
      }
      const due = begun.shift();
      if (!due) return;
      yield await due;
    }
  } finally {
    await source.return?.();
  }
}

async function settled<Item, Result>(item: Item, task: Promise<Result>): Promise<Done<Item, Result>> {
  const [outcome] = await Promise.allSettled([task]);
  return { item, outcome: outcome! };
}

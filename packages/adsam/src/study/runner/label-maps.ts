/** Whether every transfer can be scored, asked before anything is trained. */
import type { ClassTable } from "../../data/labels.js";
import { classMapping } from "../../evaluate/class-mapping.js";
import type { PlannedRun } from "../plan/plan.js";

/**
 * @param classes of data sets that are here; a transfer from or to another is not looked at
 * @throws Problem for a label map that does not exist, leaves a class out or does not fit, and where `auto` finds none
 */
export async function checkLabelMaps(
  runs: readonly PlannedRun[],
  classes: ReadonlyMap<string, ClassTable>,
): Promise<void> {
  const asked = new Set<string>();
  for (const { train, labelMaps } of runs)
    for (const [test, map] of Object.entries(labelMaps)) {
      const key = JSON.stringify([train, test, map]);
      const [network, data] = [classes.get(train), classes.get(test)];
      if (asked.has(key) || !network || !data) continue;
      asked.add(key);
      await classMapping({ network, data, map });
    }
}

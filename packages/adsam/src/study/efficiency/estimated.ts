/** The estimate of a study's time, with the cost of each of its networks. */
import { type Estimate, estimate } from "../plan/estimate.js";
import type { PlannedRun, StudyPlan } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import { networkSize } from "./network-size.js";

/** How many classes are told apart changes next to nothing. */
const someClasses = 19;

export function estimatedTime(study: Study, plan: StudyPlan): Estimate {
  const known = new Map<string, number>();
  return estimate(study, plan, ({ system, train, recipe }: PlannedRun) => {
    const key = JSON.stringify([system, train]);
    const found = known.get(key) ?? networkSize(recipe, someClasses).multiplyAdds;
    known.set(key, found);
    return found;
  });
}

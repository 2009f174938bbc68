/** Runs are claimed, so that processes and machines that share a study's folder never write into one run at once. */
import { Problem } from "@adsam/torch/problem";
import { type Claim, Claims } from "../../data/embeddings/claims.js";
import { writeReason } from "../../data/write-reason.js";
import type { PlannedRun } from "../plan/plan.js";
import type { StudyFolder } from "./layout.js";
import { readRecord } from "./record.js";

export const studyClaims = (folder: StudyFolder): Claims => new Claims(folder.claims, cannotWriteStudy);

/** @param purpose of which no one else is to be at the run: `to redo it`. @throws Problem where a process is at work in it */
export function claimRun(claims: Claims, folder: StudyFolder, { place, id }: PlannedRun, purpose: string): Claim {
  const claim = claims.take(place);
  if (claim) return claim;
  throw new Problem({
    what: `study folder "${folder.run(place)}"`,
    found: `a process at work on ${readRecord(folder, place)?.id ?? id}`,
    expected: `no one, ${purpose}`,
    todo: "Stop that process first.",
  });
}

function cannotWriteStudy(root: string, error: unknown): unknown {
  const found = writeReason(error);
  if (found === undefined) return error;
  const todo = "What was written before is whole; mend that, or name another folder with --out.";
  return new Problem({ what: `study folder "${root}" cannot be written`, found, todo }, { cause: error });
}

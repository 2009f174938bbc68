/**
 * Runs are claimed, so that of the processes and machines that share a study's folder one is at a run. One that was not heard of for long
 * (a suspended laptop, a disk that was away) loses its runs to others: it ends their processes when it sees that, and writes nothing more.
 */
import { hostname } from "node:os";
import { Problem } from "@adsam/torch/problem";
import { type Claim, Claims } from "../../data/embeddings/claims.js";
import type { ProcessMark } from "../../process-mark.js";
import type { PlannedRun } from "../plan/plan.js";
import { cannotWriteStudy } from "./cannot-write.js";
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

/** Who holds a claim, in words. @param owner null or undefined where it is not known by now */
export function holderText(owner: ProcessMark | null | undefined): string {
  if (!owner) return "another process";
  return `process ${owner.pid} of ${owner.host === hostname() ? "this machine" : `"${owner.host}"`}`;
}

/** What happened to a claim that is lost. */
export const takenOver = ({ lost }: Pick<Claim, "lost">): string =>
  `${holderText(lost.reason as ProcessMark | null)} took it over, since this one had not been heard of for long; it is left to that one`;

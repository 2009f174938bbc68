/** A thread of `PredictionPool`. */
import sharp from "sharp";
import { serveJobs } from "../data/worker-pool.js";
import { handlePredictionJob } from "./jobs.js";

// libvips' settings are the process's: no picture is read twice, and each thread here is a core's worth.
sharp.cache(false);
sharp.concurrency(1);
serveJobs(handlePredictionJob);

/** A thread that prepares pictures for the encoder. */
import sharp from "sharp";
import { serveJobs } from "../data/worker-pool.js";
import { prepareHandler } from "./prepare.js";

// libvips' settings are the process's: no picture is read twice, and each thread here is a core's worth.
sharp.cache(false);
sharp.concurrency(1);
serveJobs(prepareHandler);

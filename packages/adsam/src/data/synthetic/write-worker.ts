/** A thread that draws and writes scenes. */
import sharp from "sharp";
import { serveJobs } from "../worker-pool.js";
import { type SceneFile, type WrittenScene, writeScene } from "./write-scene.js";

// One thread is a core's worth; libvips would start as many again in each.
sharp.cache(false);
sharp.concurrency(1);
serveJobs<SceneFile, WrittenScene>(async (file) => ({ result: await writeScene(file) }));

/** A thread that draws and writes scenes. */
import { serveJobs } from "../worker-pool.js";
import { type SceneFile, type WrittenScene, writeScene } from "./write-scene.js";

serveJobs<SceneFile, WrittenScene>(async (file) => ({ result: await writeScene(file) }));

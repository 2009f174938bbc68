/** A process that fetches one file, for the tests that kill it: `node weights-fetch-process.js '{"name": …}'`. Tells its progress on stdout. */
import { fetchWeights } from "../src/weights/fetch.js";
import type { KnownFile } from "../src/weights/known-files.js";

const file = JSON.parse(process.argv[2]!) as KnownFile;
const tell = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const fetched = await fetchWeights(file, {
  onProgress: (done) => tell({ done }),
  onNote: (note) => tell({ note }),
});
tell(fetched);

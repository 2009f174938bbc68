/** Writes src/generated/ from the schemas of the libtorch at hand: `npm run generate -w packages/torch`. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { native } from "../native.js";
import { emit } from "./emit.js";

const target = join(dirname(fileURLToPath(import.meta.url)), "../../../src/generated");
const { signatures, functions, table } = emit((name) => native().schemas(name));
writeFileSync(join(target, "signatures.ts"), signatures);
writeFileSync(join(target, "functions.ts"), functions);
writeFileSync(join(target, "table.ts"), table);

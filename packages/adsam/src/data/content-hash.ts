import { createHash } from "node:crypto";

/** Name of a picture's content, whatever its file is called: SHA-256 of the file's bytes, in hex. */
export const contentHash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

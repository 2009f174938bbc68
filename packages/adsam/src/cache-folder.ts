import { homedir } from "node:os";
import path from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where files live that can be had again: downloaded weights, embeddings. `ADSAM_CACHE`, else `$XDG_CACHE_HOME/adsam`, else `~/.cache/adsam`,
 * always absolute; the folder need not exist. A relative XDG_CACHE_HOME is passed over, as the XDG base directory specification asks.
 * @param parts below it: `cacheFolder("weights")`
 */
export function cacheFolder(...parts: readonly string[]): string {
  return path.join(baseFolder(process.env), ...parts);
}

function baseFolder({ ADSAM_CACHE: own, XDG_CACHE_HOME: xdg }: Environment): string {
  if (own !== undefined && own !== "") return path.resolve(own);
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, "adsam");
  return path.join(homedir(), ".cache", "adsam");
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Environment, isSet } from "../../process/place.ts";
import { Failure } from "../../process/failure.ts";
import { NO_TOKEN } from "./explain.ts";

/**
 * Asks early, because wrangler would open a browser, or speak of one where there is none.
 *
 * @throws Failure when there is neither a token nor a login of wrangler's.
 */
export function requireAccount(env: Environment, home: string): void {
  const { CLOUDFLARE_API_TOKEN, CLOUDFLARE_API_KEY, CLOUDFLARE_EMAIL, XDG_CONFIG_HOME } = env;
  if (isSet(CLOUDFLARE_API_TOKEN) || (isSet(CLOUDFLARE_API_KEY) && isSet(CLOUDFLARE_EMAIL))) return;
  const folders = [
    join(XDG_CONFIG_HOME || join(home, ".config"), ".wrangler"),
    join(home, ".wrangler"),
    join(home, "Library", "Preferences", ".wrangler"),
  ];
  if (folders.some((folder) => existsSync(join(folder, "config", "default.toml")))) return;
  throw new Failure(NO_TOKEN);
}

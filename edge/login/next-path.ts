/** Where to go after signing in: a path of our own, or else the front door. Pure. */
import { withoutTicket } from "./ticket.ts";

export const LOGIN_PATH = "/auth/login";

const FRONT_DOOR = "/";

/** Longer ones are not worth coming back to: the whole URL must fit in the next one, escaped. */
const MAX_LENGTH = 2_048;

/**
 * The `next` of a login URL as a path of this origin; anything that leads elsewhere is `/`.
 *
 * Read the way a browser would read it, which takes `//host`, `/\host` and a tab in between for
 * another host.
 */
export function nextPath(next: string | null, origin: string): string {
  if (next === null || next.length > MAX_LENGTH || !next.startsWith("/")) return FRONT_DOOR;
  const url = URL.parse(next, origin);
  if (url === null || url.origin !== origin) return FRONT_DOOR;
  const { pathname, search } = url;
  // `/.//host` is ours as it stands, and another host once the dot is gone.
  if (pathname.startsWith("//") || pathname === LOGIN_PATH) return FRONT_DOOR;
  return pathname + search;
}

/** The login page that leads back to this request. */
export function loginPathFor({
  method,
  path,
  query,
}: {
  readonly method: string;
  readonly path: string;
  readonly query: string;
}): string {
  const next = path + withoutTicket(query);
  const isWorthIt = method === "GET" && next !== FRONT_DOOR && next.length <= MAX_LENGTH;
  return isWorthIt ? `${LOGIN_PATH}?next=${encodeURIComponent(next)}` : LOGIN_PATH;
}

/**
 * Which paths are for webhooks: the core may say that they are posted below another than
 * `HOOKS_PATH`. Where they were before there is nothing then: a sender that still posts there is told
 * that it is gone, and not taken for somebody who guesses tokens.
 */
import type { Verifiers } from "../verifiers.ts";
import type { Visit } from "../visit.ts";

type Known = Pick<Verifiers, "hooksPath" | "formerHooks" | "route">;

/** The name of the webhook that is posted there; undefined: it is no place for one. Pure. */
export function hookName(
  { hooksPath }: Pick<Known, "hooksPath">,
  path: string,
): string | undefined {
  return nameBelow(hooksPath, path);
}

/**
 * Whether a path besides those below `HOOKS_PATH` is, or was, one of a webhook. Looks for news first
 * where it may have become one: the name is known and the place is not, or nothing is known at all.
 */
export function isHook(visit: Visit): boolean | Promise<boolean> {
  const { path, isolate } = visit;
  const { verifiers } = isolate;
  if (isOurs(verifiers, path)) return true;
  const mayBe = verifiers.published ? endsInName(verifiers, path) : maySend(visit);
  return mayBe ? isNews(visit) : false;
}

/** Most paths end otherwise: whoever only tries some must not have the relay asked. */
function endsInName(known: Known, path: string): boolean {
  return known.route(path.slice(path.lastIndexOf("/") + 1)) !== undefined;
}

/** What only looks around sends nothing; by GET a sender may try its address out, with a query. */
function maySend({ request: { method }, query }: Visit): boolean {
  return query !== "" || (method !== "GET" && method !== "HEAD");
}

async function isNews({ path, isolate: { verifiers }, keepAlive, now }: Visit): Promise<boolean> {
  await verifiers.missed("webhook", keepAlive, now);
  return isOurs(verifiers, path);
}

function isOurs(known: Known, path: string): boolean {
  if (nameBelow(known.hooksPath, path) !== undefined) return true;
  return known.formerHooks.some((base) => known.route(nameBelow(base, path) ?? "") !== undefined);
}

function nameBelow(base: string, path: string): string | undefined {
  if (path.length <= base.length + 1 || path.lastIndexOf("/") !== base.length) return undefined;
  return path.startsWith(base) ? path.slice(base.length + 1) : undefined;
}

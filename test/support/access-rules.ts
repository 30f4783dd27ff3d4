/** What becomes of a request, told from the table of routes and the credential alone. Pure. */
import { type Guard, ROUTE_TABLE, type Route } from "../../core/http/routes.ts";
import { covers } from "../../core/methods/method.ts";

export type Door = "the core's own port" | "the edge";

/** Whoever shows it is nobody, a sender of webhooks, the owner, somebody who may only chat, or a device. */
export type Standing =
  | "nobody"
  | "sender"
  | "owner"
  | "chat"
  | { readonly scopes: readonly string[] };

/** `in`: the route itself answers. `missing`: there is nothing here. */
export type Verdict = "in" | "unauthenticated" | "forbidden" | "missing";

/** A request to a path of the table, or to none. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  /** Undefined: a path that nobody serves. */
  readonly route: Route | undefined;
}

/** Paths at which the edge speaks for itself, to everybody. */
const EDGE_PROBES: ReadonlySet<string> = new Set(["/health", "/healthz"]);
/** What it lets through afterwards may be anything, so it takes a credential for everything. */
const CHECK = "/api/auth/check";

export function verdictOf(ask: Ask, who: Standing, door: Door): Verdict {
  if (door === "the core's own port") return atCore(ask, who);
  const verdict = atEdge(ask, who);
  return verdict === "in" && !EDGE_PROBES.has(ask.path) ? atCore(ask, who) : verdict;
}

/** What the edge makes of it on its own. `in`: answered there, or handed on. */
export function atEdge(ask: Ask, who: Standing): Exclude<Verdict, "missing"> {
  if (isWebhook(ask)) return atWebhook(who);
  if (EDGE_PROBES.has(ask.path)) return "in";
  if (!isKnown(who)) return "unauthenticated";
  return mayPassEdge(ask, who) ? "in" : "forbidden";
}

function isWebhook({ path }: Ask): boolean {
  return path.startsWith("/hooks/");
}

/** No credential of the gateway is one of a webhook, nor the other way round. */
function atWebhook(who: Standing): "in" | "unauthenticated" {
  return who === "sender" ? "in" : "unauthenticated";
}

type Known = Exclude<Standing, "nobody" | "sender">;

function isKnown(who: Standing): who is Known {
  return who !== "nobody" && who !== "sender";
}

function mayPassEdge({ method, path }: Ask, who: Known): boolean {
  if (who === "owner") return true;
  if (who === "chat") return path.startsWith("/v1/");
  if (covers(who.scopes, "operator.write")) return true;
  return covers(who.scopes, "operator.read") && method === "GET" && path !== CHECK;
}

function atCore(ask: Ask, who: Standing): Verdict {
  const { path, route } = ask;
  if (isWebhook(ask)) return atWebhook(who);
  if (route === undefined) {
    const isHidden = path === "/v1" || path.startsWith("/v1/") || path.startsWith("/api/");
    return isHidden && !isKnown(who) ? "unauthenticated" : "missing";
  }
  if (route.access === "open") return "in";
  return isKnown(who) ? atGuard(route.access, who) : "unauthenticated";
}

function atGuard(access: "own" | Guard, who: Known): "in" | "forbidden" {
  if (who === "owner") return "in";
  // Of those that look for themselves: only for who may do something.
  const guard = access === "own" ? ({ scope: "operator.write", chat: false } as const) : access;
  if (who === "chat") return guard.chat ? "in" : "forbidden";
  return covers(who.scopes, guard.scope) ? "in" : "forbidden";
}

/** Paths that nobody serves, of each kind there is. */
const NOWHERE = ["/", "/nothing", "/v1/nothing", "/v1", "/api/nothing", "/metrics/more", "/tools"];

/** Every route by each of its names, and paths that are none. */
export function everyAsk(): readonly Ask[] {
  const served = [...ROUTE_TABLE.values()].flatMap((route) =>
    route.paths.map((path) => ({ method: route.method, path: concrete(path), route })),
  );
  const methods = ["GET", "POST"];
  const none = NOWHERE.flatMap((path) =>
    methods.map((method) => ({ method, path, route: undefined })),
  );
  return [...served, ...none];
}

/** Ids of nothing, so that nothing is changed. */
function concrete(path: string): string {
  return path
    .replace("{model}", "openclaw")
    .replace("{id}", "resp_none")
    .replace("{name}", "agent");
}

/** What a status says of that. */
export function verdictIn(status: number, ask: Ask): Verdict {
  if (status === 401) return "unauthenticated";
  if (status === 403) return "forbidden";
  if (status === 404 && ask.route === undefined) return "missing";
  return "in";
}

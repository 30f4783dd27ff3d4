/** `webhooks.list`, `webhooks.tail`, `webhooks.deadLetters`: many webhooks, a page at a time. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { WebhookRow } from "../../store/webhook.ts";
import { State, type WebhookEntry, type WebhookPage, type WebhookTail } from "./answers.ts";
import { entryOfRow } from "./entry.ts";
import type { NamedMethod, WebhookMethodParts } from "./parts.ts";
import { entryOf, Spools } from "./spool.ts";
import { within } from "./wait.ts";

/** One answer must fit a message, and leave others their turn. */
const MAX_PAGE = 200;
/** Long enough that an idle tail costs nothing; below what proxies take for a dead line. */
const MAX_WAIT_MS = 25_000;

const Time = z.int().min(0);
const Route = z.string().min(1).max(64);
const Limit = z.int().min(1).max(MAX_PAGE).default(50);

const List = z.strictObject({
  route: Route.optional(),
  state: State.optional(),
  /** Unix ms. */
  since: Time.optional(),
  until: Time.optional(),
  limit: Limit,
  cursor: z
    .string()
    .regex(/^(?:core|edge):\d{1,16}$/)
    .optional(),
});
type List = z.output<typeof List>;

const DeadLetters = List.omit({ state: true, since: true, until: true });

const Tail = z.strictObject({
  route: Route.optional(),
  state: State.exclude(["spooled"]).optional(),
  /** `cursor` of the last answer. */
  after: z.int().min(0).optional(),
  /** Without `after`: from then on; without both: from now on. Unix ms. */
  since: Time.optional(),
  limit: z.int().min(1).max(MAX_PAGE).default(MAX_PAGE),
  /** How long to wait when there is nothing yet. */
  waitMs: z.int().min(0).max(MAX_WAIT_MS).default(0),
});
type Tail = z.output<typeof Tail>;

export function listMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  const spools = new Spools(parts.tunnel);
  return [
    [
      "webhooks.list",
      {
        scope: "operator.read",
        call(params) {
          const query = List.parse(params ?? {});
          return query.state === "spooled"
            ? edgePage(spools, query, "waiting")
            : corePage(parts, query);
        },
      },
    ],
    [
      "webhooks.deadLetters",
      {
        scope: "operator.read",
        call: (params) => deadLetters(parts, spools, DeadLetters.parse(params ?? {})),
      },
    ],
    [
      "webhooks.tail",
      { scope: "operator.read", call: (params) => tail(parts, Tail.parse(params ?? {})) },
    ],
  ];
}

/** First those of the edge, oldest first, then those of the core, newest first. */
async function deadLetters(
  parts: WebhookMethodParts,
  spools: Spools,
  query: z.output<typeof DeadLetters>,
): Promise<WebhookPage> {
  const { cursor, limit } = query;
  if (cursor?.startsWith("core:") === true) return corePage(parts, { ...query, state: "dead" });
  const edge = await edgePage(spools, query, "dead");
  const left = limit - edge.webhooks.length;
  if (edge.next !== null || left <= 0) {
    return edge.next === null ? { ...edge, next: START_OF_CORE } : edge;
  }
  const core = await corePage(parts, { limit: left, route: query.route, state: "dead" });
  return { ...core, webhooks: [...edge.webhooks, ...core.webhooks], silent: edge.silent };
}

/** Before every `seq` there can be. */
const START_OF_CORE = `core:${Number.MAX_SAFE_INTEGER}`;

/** What both kinds of page are made of. */
type PageQuery = Partial<Omit<List, "limit">> & Pick<List, "limit">;

async function edgePage(
  spools: Spools,
  { route, since, until, limit, cursor }: PageQuery,
  state: "waiting" | "dead",
): Promise<WebhookPage> {
  const after = cursor?.startsWith("edge:") === true ? Number(cursor.slice(5)) : undefined;
  const { items, next, silent } = await spools.list({ state, route, since, until, after, limit });
  return {
    webhooks: items.map(entryOf),
    next: next === undefined ? null : `edge:${next}`,
    silent: [...silent],
  };
}

async function corePage(
  { store }: WebhookMethodParts,
  { route, state, since, until, limit, cursor }: PageQuery,
): Promise<WebhookPage> {
  const before = cursor?.startsWith("core:") === true ? Number(cursor.slice(5)) : undefined;
  const wanted = state === "spooled" ? undefined : state;
  const filter = { route, state: wanted, since, until, before };
  // One more than asked for tells whether there are more.
  const rows = await store.webhooks({ ...filter, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const next = rows.length > limit && last !== undefined ? `core:${last.seq}` : null;
  return { webhooks: page.map(entryOfRow), next, silent: [] };
}

/** Answers as soon as there is something, or when the time is over. */
async function tail(parts: WebhookMethodParts, query: Tail): Promise<WebhookTail> {
  const { store, stop } = parts;
  const { route, state, since, limit, waitMs } = query;
  if (stop.aborted) throw leaving();
  const from = query.after ?? (since === undefined ? await lastSeq(parts) : 0);
  const filter = {
    route,
    state,
    after: from,
    limit,
    ...(query.after === undefined ? { since } : {}),
  };
  const rows = await within(parts, waitMs, async () => {
    const found = await store.webhooks(filter);
    return found.length === 0 ? undefined : found;
  });
  if (rows === undefined && stop.aborted) throw leaving();
  return tailOf(rows ?? [], from);
}

function tailOf(rows: readonly WebhookRow[], from: number): WebhookTail {
  const webhooks: WebhookEntry[] = rows.map(entryOfRow);
  return { webhooks, cursor: rows.at(-1)?.seq ?? from };
}

async function lastSeq({ store }: WebhookMethodParts): Promise<number> {
  const [newest] = await store.webhooks({ limit: 1 });
  return newest?.seq ?? 0;
}

function leaving(): GatewayError {
  return new GatewayError("core_draining", "The gateway is stopping", { retryAfterMs: 1_000 });
}

/** What a core may ask of the webhooks that wait and of the dead letters: protocol.md, section 12. */
import * as z from "zod/mini";
import { $ZodError } from "zod/v4/core";
import { toBase64 } from "../../shared/ingress/crypto.ts";
import { shownHeaders } from "../../shared/tunnel/delivery.ts";
import type { DeadLetter } from "./spool/dead-letters.ts";
import type { Spool } from "./spool/spool.ts";
import type { StoredDelivery } from "./spool/tables.ts";

export interface SpoolAnswer {
  readonly status: number;
  readonly body: object;
}

const DEFAULT_ROWS = 100;
const MAX_ROWS = 500;
/** Of one answer: some webhooks have hundreds of lanes. */
const MAX_LIST_CHARS = 1024 * 1024;
const MAX_BODY_BYTES = 64 * 1024;
/** Dead letters that one request may name. */
const MAX_SEQS = 1_000;

const Seq = z.coerce.number().check(z.int(), z.nonnegative());
const Query = z.object({
  state: z._default(z.enum(["waiting", "dead"]), "waiting"),
  route: z.optional(z.string()),
  after: z._default(Seq, 0),
  limit: z._default(z.coerce.number().check(z.int(), z.positive()), DEFAULT_ROWS),
});
const Which = z.union([
  z.strictObject({ seqs: z.array(z.int().check(z.nonnegative())).check(z.maxLength(MAX_SEQS)) }),
  z.strictObject({ route: z.string() }),
  z.strictObject({ all: z.literal(true) }),
]);

const ITEM_PATH = /^\/spool\/(?<seq>\d{1,16})$/;

export interface SpoolHost {
  readonly spool: Spool;
  /** Dead letters wait again. */
  revived(): void;
}

/**
 * @param leads - Only the core that has the work may change anything.
 * @returns Undefined for what is no request of this kind.
 */
export function answerOnSpool(
  host: SpoolHost,
  request: { readonly method: string; readonly path: string; readonly body: unknown },
  leads: boolean,
): SpoolAnswer | undefined {
  const url = new URL(request.path, "https://relay.internal");
  const what = `${request.method} ${url.pathname}`;
  if (what === "GET /spool") return list(host.spool, url.searchParams);
  if (what === "POST /spool/replay") return change(host, request.body, leads, replay);
  if (what === "POST /spool/drop") return change(host, request.body, leads, drop);
  const seq = request.method === "GET" ? ITEM_PATH.exec(url.pathname)?.groups?.["seq"] : undefined;
  return seq === undefined ? undefined : show(host.spool, Number(seq));
}

function list(spool: Spool, query: URLSearchParams): SpoolAnswer {
  const read = Query.safeParse(Object.fromEntries(query));
  if (!read.success) return refusal(422, "state, route, after and limit make no sense");
  const { state, route, after, limit } = read.data;
  const items: object[] = [];
  let last: number | null = null;
  let chars = 0;
  for (const seq of state === "dead" ? spool.dead.seqs() : waitingSeqs(spool)) {
    if (seq <= after || (route !== undefined && routeOf(spool, seq) !== route)) continue;
    if (items.length >= Math.min(limit, MAX_ROWS) || chars > MAX_LIST_CHARS) {
      return { status: 200, body: { items, next: last } };
    }
    const item = summaryOf(spool, seq);
    chars += JSON.stringify(item).length;
    items.push(item);
    last = seq;
  }
  return { status: 200, body: { items, next: null } };
}

function* waitingSeqs(spool: Spool): Generator<number> {
  for (const { seq } of spool.waiting()) yield seq;
}

function routeOf(spool: Spool, seq: number): string | undefined {
  return spool.find(seq)?.route ?? spool.dead.routeOf(seq);
}

function show(spool: Spool, seq: number): SpoolAnswer {
  const found = entryOf(spool, seq, "read");
  if (found === undefined) return refusal(404, "no such webhook here");
  if (found === "unreadable") return { status: 200, body: unreadable(spool, seq) };
  const { headers, items, body } = found.stored;
  const part = body.subarray(0, MAX_BODY_BYTES);
  return {
    status: 200,
    body: {
      ...found.summary,
      headers: shownHeaders(headers),
      items,
      body: toBase64(part),
      truncated: part.byteLength < body.byteLength,
    },
  };
}

function summaryOf(spool: Spool, seq: number): object {
  const found = entryOf(spool, seq, "readHead");
  return typeof found === "object" ? found.summary : unreadable(spool, seq);
}

/** A row that makes no sense is there all the same, and can be dropped. */
function unreadable(spool: Spool, seq: number): object {
  return {
    seq,
    id: "",
    route: routeOf(spool, seq) ?? "",
    lanes: [],
    state: spool.find(seq) === undefined ? "dead" : "waiting",
    receivedAt: 0,
    attempts: 0,
    nextAt: null,
    size: 0,
    reason: "cannot be read",
    requestId: "",
    verified: "",
  };
}

type Found = { readonly stored: StoredDelivery; readonly summary: object };

function entryOf(
  spool: Spool,
  seq: number,
  read: "read" | "readHead",
): Found | "unreadable" | undefined {
  try {
    const waiting = spool.find(seq);
    const stored = spool[read](seq);
    if (waiting !== undefined && stored !== undefined) {
      const { attempts, nextAt } = waiting;
      const state = { state: "waiting", attempts, nextAt, reason: null };
      return { stored, summary: { ...facts(stored), ...state } };
    }
    const letter = spool.dead[read](seq);
    return letter === undefined ? undefined : { stored: letter, summary: epitaph(letter) };
  } catch (error) {
    if (error instanceof $ZodError) return "unreadable";
    throw error;
  }
}

function epitaph(letter: DeadLetter): object {
  const { attempts, reason } = letter;
  return { ...facts(letter), state: "dead", attempts, nextAt: null, reason };
}

function facts(stored: StoredDelivery): object {
  const { seq, id, route, items, receivedAt, size, requestId, verified } = stored;
  const lanes = [...new Set(items.map(({ lane }) => lane))];
  return { seq, id, route, lanes, receivedAt, size, requestId, verified };
}

function change(
  host: SpoolHost,
  body: unknown,
  leads: boolean,
  act: (host: SpoolHost, seqs: readonly number[]) => object,
): SpoolAnswer {
  const which = Which.safeParse(body);
  if (!which.success) return refusal(422, "one of seqs, route or all is needed");
  if (!leads) return refusal(409, "another core leads");
  return { status: 200, body: act(host, chosen(host.spool, which.data)) };
}

function chosen({ dead }: Spool, which: z.output<typeof Which>): number[] {
  if ("seqs" in which) return which.seqs.filter((seq) => dead.has(seq));
  const all = dead.seqs();
  return "all" in which ? all : all.filter((seq) => dead.routeOf(seq) === which.route);
}

function replay(host: SpoolHost, seqs: readonly number[]): object {
  let replayed = 0;
  for (const seq of seqs) {
    // Without room for this one there is none for the others.
    if (!revive(host.spool, seq)) break;
    replayed += 1;
  }
  host.revived();
  return { replayed };
}

function revive(spool: Spool, seq: number): boolean {
  try {
    return spool.revive(seq);
  } catch (error) {
    // It stays where it is; those before it wait already.
    if (error instanceof $ZodError) return true;
    throw error;
  }
}

function drop({ spool }: SpoolHost, seqs: readonly number[]): object {
  const dropped = seqs.filter((seq) => spool.dead.remove(seq)).length;
  if (dropped > 0) spool.seen.forget();
  return { dropped };
}

function refusal(status: number, detail: string): SpoolAnswer {
  return { status, body: { detail } };
}

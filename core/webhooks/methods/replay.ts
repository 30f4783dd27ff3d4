/** `webhooks.replay`, `webhooks.deadLetters.replay` and `.drop`: what is done again, or let go. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { WebhookRow } from "../../store/webhook.ts";
import { type Dropped, type Replayed, State } from "./answers.ts";
import type { NamedMethod, WebhookMethodParts } from "./parts.ts";
import { placeOf, type Selection, Spools } from "./spool.ts";

/** What one call runs: each is a transaction, and the caller waits for all of them. */
const MAX_REPLAYED = 100;
/** Dead letters here that one call runs or drops. */
const MAX_DEAD = 1_000;

const Id = z.string().min(1).max(512);
const Route = z.string().min(1).max(64);
const Time = z.int().min(0);

const Replay = z
  .strictObject({
    ids: z.array(Id).min(1).max(MAX_REPLAYED).optional(),
    filter: z
      .strictObject({
        route: Route.optional(),
        state: State.exclude(["spooled"]).optional(),
        /** Unix ms. */
        since: Time.optional(),
        until: Time.optional(),
      })
      .optional(),
    cursor: z
      .string()
      .regex(/^\d{1,16}$/)
      .optional(),
    limit: z.int().min(1).max(10_000).default(MAX_REPLAYED),
    /** Tells what would run, and runs nothing. */
    dryRun: z.boolean().default(false),
    /** Also what waits or runs already, and what is a replay itself. */
    force: z.boolean().default(false),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
    error: "needs either ids or a filter",
  });
type Replay = z.output<typeof Replay>;

const Which = z
  .strictObject({
    ids: z.array(Id).min(1).max(MAX_DEAD).optional(),
    route: Route.optional(),
    all: z.literal(true).optional(),
  })
  .refine((which) => Object.keys(which).length === 1, { error: "needs one of ids, route, all" });
type Which = z.output<typeof Which>;

export function replayMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  const spools = new Spools(parts.tunnel);
  const oneByOne = queue();
  return [
    [
      "webhooks.replay",
      { scope: "operator.admin", call: (params) => replay(parts, Replay.parse(params ?? {})) },
    ],
    [
      "webhooks.deadLetters.replay",
      {
        scope: "operator.admin",
        call(params) {
          const which = Which.parse(params ?? {});
          return oneByOne(() => replayDead(parts, spools, which));
        },
      },
    ],
    [
      "webhooks.deadLetters.drop",
      {
        scope: "operator.admin",
        call(params) {
          const which = Which.parse(params ?? {});
          return oneByOne(() => dropDead(parts, spools, which));
        },
      },
    ],
  ];
}

/**
 * A dead letter is looked at, replayed and dismissed in several steps: two who do so at once would
 * both find it dead, and both run it.
 */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined); // its caller hears of it; the next one goes on
    return done;
  };
}

async function replay(parts: WebhookMethodParts, wish: Replay): Promise<Replayed> {
  const { ids, filter, cursor, dryRun, force } = wish;
  const limit = Math.min(wish.limit, MAX_REPLAYED);
  if (ids !== undefined) return replayAll(parts, ids, { dryRun, force });
  // Oldest first, so that what happens now happens in the order of then.
  const after = cursor === undefined ? 0 : Number(cursor);
  const rows = await parts.store.webhooks({ ...filter, after, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const wanted = page.filter((row) => force || row.replayOf === undefined);
  const done = await replayAll(
    parts,
    wanted.map(({ id }) => id),
    { dryRun, force },
  );
  const last = page.at(-1);
  return { ...done, next: rows.length > limit && last !== undefined ? String(last.seq) : null };
}

async function replayAll(
  parts: WebhookMethodParts,
  ids: readonly string[],
  options: Pick<Replay, "dryRun" | "force">,
): Promise<Replayed> {
  const replayed: Replayed["replayed"] = [];
  const skipped: Replayed["skipped"] = [];
  for (const id of ids) {
    try {
      replayed.push(await replayOne(parts, id, options));
    } catch (error) {
      // One that cannot be run does not keep the others from it; what ails us all does.
      if (!(error instanceof GatewayError) || !isOfOne(error)) throw error;
      skipped.push({ id, why: error.message });
    }
  }
  return { dryRun: options.dryRun, replayed, skipped, next: null };
}

function isOfOne({ code }: GatewayError): boolean {
  return code === "not_found" || code === "conflict" || code === "invalid_request";
}

async function replayOne(
  { store, desk }: WebhookMethodParts,
  wanted: string,
  { dryRun, force }: Pick<Replay, "dryRun" | "force">,
): Promise<Replayed["replayed"][number]> {
  const row = await store.webhook(wanted);
  if (row === undefined) throw new GatewayError("not_found", "it is not in the log");
  const { id, route } = row;
  if (!force && row.endedAt === undefined) {
    throw new GatewayError("conflict", `it is ${row.state}: it runs anyway`);
  }
  const { id: as, work } = await desk.replay(id, { dryRun, force });
  return { id, route, as: dryRun ? null : as, runs: workText(work), count: 1 };
}

/** Pure. */
function workText(work: readonly { readonly source: string; readonly lane: string }[]): string {
  if (work.length === 0) return "nothing: no case of its route wants it";
  const counts = new Map<string, number>();
  for (const { source, lane } of work) {
    const text = `${source} on lane ${lane}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => (count > 1 ? `${count} × ${text}` : text)).join("; ");
}

async function replayDead(
  parts: WebhookMethodParts,
  spools: Spools,
  which: Which,
): Promise<Replayed> {
  const { atEdge, here } = await selected(parts, spools, which);
  const replayed: Replayed["replayed"] = [];
  for (const { relay, selection } of atEdge) {
    const count = await spools.replay(relay, selection);
    const runs = `${count} at the edge, delivered again`;
    const about = { id: `edge/${relay}`, route: which.route ?? "", as: null };
    if (count > 0) replayed.push({ ...about, runs, count });
  }
  const { dead, others } = await sorted(parts, here);
  const core = await replayAll(parts, dead, { dryRun: false, force: true });
  for (const { id } of core.replayed) await parts.store.dismissWebhook(id);
  return {
    ...core,
    replayed: [...replayed, ...core.replayed],
    skipped: [...others, ...core.skipped],
  };
}

/** What is named as a dead letter and is none must not run once more by it. */
async function sorted(
  { store }: WebhookMethodParts,
  ids: readonly string[],
): Promise<{ dead: string[]; others: Replayed["skipped"] }> {
  const dead = new Set<string>();
  const others: Replayed["skipped"] = [];
  for (const id of ids) {
    const row = await store.webhook(id);
    if (row?.state === "dead") dead.add(row.id);
    else
      others.push({ id, why: row === undefined ? "it is not in the log" : `it is ${row.state}` });
  }
  return { dead: [...dead], others };
}

async function dropDead(parts: WebhookMethodParts, spools: Spools, which: Which): Promise<Dropped> {
  const { atEdge, here } = await selected(parts, spools, which);
  let dropped = 0;
  for (const { relay, selection } of atEdge) dropped += await spools.drop(relay, selection);
  for (const id of here) dropped += Number(await parts.store.dismissWebhook(id));
  return { dropped };
}

interface Selected {
  readonly atEdge: readonly { readonly relay: string; readonly selection: Selection }[];
  /** Ids in our own log. */
  readonly here: readonly string[];
}

async function selected(
  { store }: WebhookMethodParts,
  spools: Spools,
  { ids, route }: Which,
): Promise<Selected> {
  if (ids !== undefined) return byIds(ids);
  const selection: Selection = route === undefined ? { all: true } : { route };
  const rows: WebhookRow[] = await store.webhooks({ route, state: "dead", limit: MAX_DEAD });
  return {
    atEdge: spools.connected().map((relay) => ({ relay, selection })),
    // In the order they came.
    here: rows.map(({ id }) => id).toReversed(),
  };
}

/** Pure. */
function byIds(ids: readonly string[]): Selected {
  const seqs = new Map<string, number[]>();
  const here: string[] = [];
  for (const id of ids) {
    const place = placeOf(id);
    if (place === undefined) here.push(id);
    else seqs.set(place.relay, [...(seqs.get(place.relay) ?? []), place.seq]);
  }
  const atEdge = [...seqs].map(([relay, found]) => ({ relay, selection: { seqs: found } }));
  return { atEdge, here };
}

import { GatewayError } from "../../shared/errors.ts";
import type { Store } from "../store/store.ts";
import type { WebhookDetail } from "../store/webhook.ts";
import type { Planned } from "./plan/planned.ts";
import type { DeskRoute } from "./route-table.ts";
import type { Verified } from "./verified.ts";

/** Two who replay the same webhook at once take the next number each. */
const MAX_TRIES = 8;

export interface ReplayOptions {
  /** Even when it still waits or runs. */
  readonly force?: boolean | undefined;
  /** Only says what would be done. */
  readonly dryRun?: boolean | undefined;
}

export interface Replayed {
  /** Of the new delivery, or of the one that would be made. */
  readonly id: string;
  /** What it is: one entry for each piece of work. Empty: no case of the route wants it. */
  readonly work: readonly { readonly source: string; readonly lane: string }[];
}

interface ReplayParts {
  readonly store: Pick<Store, "webhook" | "webhookBody">;
  readonly find: (route: string) => Promise<DeskRoute>;
  readonly plan: (route: DeskRoute, webhook: Verified) => Promise<Planned>;
  /** @returns False when there is such a replay already. */
  readonly commit: (planned: Planned) => Promise<boolean>;
}

/** Runs a webhook of the log again: by the settings of now, under a name of its own. */
export async function replay(
  id: string,
  { force = false, dryRun = false }: ReplayOptions,
  { store, find, plan, commit }: ReplayParts,
): Promise<Replayed> {
  const original = await inLog(store, id);
  if (!force && original.endedAt === undefined) {
    throw new GatewayError("conflict", "It still waits or runs: nothing was done");
  }
  const route = await find(original.route);
  const stored = await store.webhookBody(original.id, 0, original.size);
  const body = stored?.bytes ?? new Uint8Array(0);
  const root = original.replayOf ?? original.id;
  // What it was made of may have left the log by now.
  const earlier = (await store.webhook(root)) ?? original;
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const again = runAgain(original, body, {
      of: root,
      suffix: `#${earlier.replays.length + tries}`,
    });
    const planned = await plan(route, again);
    const work = planned.plan.work.map(({ source, lane }) => ({ source, lane }));
    if (dryRun || (await commit(planned))) return { id: planned.record.id, work };
  }
  throw new GatewayError("conflict", "Others replay the same webhook: try again");
}

async function inLog(store: ReplayParts["store"], id: string): Promise<WebhookDetail> {
  const found = await store.webhook(id);
  if (found === undefined) throw new GatewayError("not_found", "No webhook of this id in the log");
  return found;
}

function runAgain(
  { route, receivedAt, secret, method, query, ip, headers, verifiedBy }: WebhookDetail,
  body: Uint8Array<ArrayBuffer>,
  replayed: NonNullable<Verified["replay"]>,
): Verified {
  return {
    id: `${replayed.of}${replayed.suffix}`,
    route,
    items: [],
    receivedAt,
    requestId: crypto.randomUUID(),
    secret,
    method,
    query,
    ip,
    syncMs: 0,
    attempts: 0,
    headers: new Headers(headers.map(([name, value]): [string, string] => [name, value])),
    body,
    verifiedBy,
    replay: replayed,
  };
}

/** What the relays keep for us: webhooks that wait for a core, and those given up. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { RelayAnswer, Tunnel } from "../../tunnel/handlers.ts";
import type { WebhookEntry } from "./answers.ts";

/**
 * Open: a relay of the next version may say more. Of a row that it cannot read any more it says
 * nothing but where it is.
 */
const SpoolItem = z.object({
  seq: z.int().min(0),
  id: z.string().default(""),
  route: z.string().default(""),
  lanes: z.array(z.string()).default([]),
  state: z.enum(["waiting", "dead"]).optional(),
  receivedAt: z.number().optional(),
  attempts: z.number().default(0),
  nextAt: z.number().nullish(),
  size: z.number().default(0),
  reason: z.string().nullish(),
  requestId: z.string().default(""),
  verified: z.string().nullish(),
});
type SpoolItem = z.output<typeof SpoolItem>;

const SpoolPage = z.object({ items: z.array(SpoolItem), next: z.number().nullish() });
const SpoolDetails = SpoolItem.extend({
  headers: z.array(z.tuple([z.string(), z.string()])).default([]),
  body: z.string().default(""),
  truncated: z.boolean().default(false),
});
const Replayed = z.object({ replayed: z.number() });
const Dropped = z.object({ dropped: z.number() });

/** `edge/<relay>/<seq>`. A delivery's own id begins with its route, which holds no slash. */
const EDGE_ID = /^edge\/(?<relay>[^/]{1,64})\/(?<seq>\d{1,16})$/;

export interface EdgePlace {
  readonly relay: string;
  readonly seq: number;
}

/** Where the edge keeps the webhook of that id; undefined for an id of the core. Pure. */
export function placeOf(id: string): EdgePlace | undefined {
  const groups = EDGE_ID.exec(id)?.groups;
  const [relay, seq] = [groups?.["relay"], groups?.["seq"]];
  return relay === undefined || seq === undefined ? undefined : { relay, seq: Number(seq) };
}

export interface SpoolQuery {
  readonly state: "waiting" | "dead";
  readonly route?: string | undefined;
  /** Unix ms, when the edge received it. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only what comes after this seq. */
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface EdgePage {
  /** Oldest first. */
  readonly items: readonly EdgeItem[];
  /** To be asked with next; undefined: there is no more. */
  readonly next: number | undefined;
  /** Relays that gave no answer. */
  readonly silent: readonly string[];
}

/** Where it is, and what every row has however little the relay could read of it. */
interface Placed {
  readonly relay: string;
  readonly state: "waiting" | "dead";
  /** Unix ms. */
  readonly receivedAt: number;
}
export type EdgeItem = Omit<SpoolItem, keyof Placed> & Placed;
export type EdgeDetails = Omit<z.output<typeof SpoolDetails>, keyof Placed> & Placed;

/** Which dead letters are meant. */
export type Selection =
  | { readonly seqs: readonly number[] }
  | { readonly route: string }
  | { readonly all: true };

/** Asks relays about their spools, which wakes them: so people ask, nothing asks by itself. */
export class Spools {
  readonly #tunnel: () => Tunnel | undefined;

  constructor(tunnel: () => Tunnel | undefined) {
    this.#tunnel = tunnel;
  }

  /** One page of what all connected relays keep. */
  async list(query: SpoolQuery): Promise<EdgePage> {
    const path = pathOf(query);
    const pages = await Promise.all(
      this.connected().map(async (relay) => {
        const page = await this.#ask(relay, "GET", path)
          .then((answer) => SpoolPage.parse(answer.body))
          .catch(() => undefined); // said by `silent`
        return { relay, page };
      }),
    );
    const silent = pages.flatMap(({ relay, page }) => (page === undefined ? [relay] : []));
    const full = pages.flatMap(({ relay, page }) =>
      page === undefined ? [] : [{ relay, items: page.items, next: page.next ?? undefined }],
    );
    return { ...merge(full, query), silent };
  }

  /** @throws GatewayError not_found, `core_lost` when that relay is not connected. */
  async show({ relay, seq }: EdgePlace): Promise<EdgeDetails> {
    const answer = await this.#ask(relay, "GET", `/spool/${seq}`);
    const details = SpoolDetails.parse(answer.body);
    return { ...details, ...placed(relay, details, "dead") };
  }

  /** Dead letters are tried again. @returns How many. */
  async replay(relay: string, selection: Selection): Promise<number> {
    const answer = await this.#ask(relay, "POST", "/spool/replay", selection);
    return Replayed.parse(answer.body).replayed;
  }

  /** Dead letters are deleted. @returns How many. */
  async drop(relay: string, selection: Selection): Promise<number> {
    const answer = await this.#ask(relay, "POST", "/spool/drop", selection);
    return Dropped.parse(answer.body).dropped;
  }

  async #ask(relay: string, method: string, path: string, body?: object): Promise<RelayAnswer> {
    const tunnel = this.#tunnel();
    if (tunnel === undefined) throw new GatewayError("not_found", "This gateway has no edge");
    const answer = await tunnel.request(relay, method, path, body);
    if (answer.status === 200) return answer;
    if (answer.status === 404) throw new GatewayError("not_found", "The edge has no such webhook");
    if (answer.status === 409) {
      throw new GatewayError("conflict", `Another core leads on relay ${relay}: ask that one`);
    }
    throw new GatewayError("bad_response", `Relay ${relay} answered ${answer.status}`);
  }

  /** Names of the relays that can be asked. */
  connected(): string[] {
    const relays = this.#tunnel()?.relays ?? [];
    return relays.filter(({ connected }) => connected).map(({ name }) => name);
  }
}

function pathOf({ state, route, after, since, limit }: SpoolQuery): string {
  // Seqs are made of the time at which the relay wrote it down: none before `since` is older.
  const from = after ?? (since === undefined ? undefined : Math.max(0, since * 1000 - 1));
  const query = new URLSearchParams({ state, limit: String(limit) });
  if (route !== undefined) query.set("route", route);
  if (from !== undefined) query.set("after", String(from));
  return `/spool?${query.toString()}`;
}

interface RelayPage {
  readonly relay: string;
  readonly items: readonly SpoolItem[];
  readonly next: number | undefined;
}

/**
 * One page of several: what is beyond the end of a relay's own page is unknown, so nothing after
 * the earliest such end is shown yet. Pure.
 */
export function merge(
  pages: readonly RelayPage[],
  { state, limit, since = 0, until = Infinity }: SpoolQuery,
): Omit<EdgePage, "silent"> {
  const ends = pages.flatMap(({ items, next }) =>
    next === undefined ? [] : [items.at(-1)?.seq ?? next],
  );
  const all = pages
    .flatMap(({ relay, items }) =>
      items.map((item): EdgeItem => ({ ...item, ...placed(relay, item, state) })),
    )
    .toSorted((a, b) => a.seq - b.seq);
  const known = Math.min(Infinity, ...ends);
  // Of two relays the same seq is possible: both are on this page, or both on the next.
  const last = Math.min(known, all[limit - 1]?.seq ?? Infinity);
  const items = all.filter(({ seq }) => seq <= last);
  const isAll = items.length === all.length && ends.length === 0;
  return {
    items: items.filter(({ receivedAt }) => receivedAt >= since && receivedAt <= until),
    next: isAll ? undefined : last,
  };
}

/** A seq is the time at which the relay wrote the row, in microseconds, or a little more. */
function placed(relay: string, item: SpoolItem, state: "waiting" | "dead"): Placed {
  const { seq, receivedAt = Math.floor(seq / 1000) } = item;
  return { relay, receivedAt, state: item.state ?? state };
}

/** As it stands in a list. Pure. */
export function entryOf(item: EdgeItem): WebhookEntry {
  const { relay, seq, route, receivedAt, size, lanes, requestId } = item;
  return {
    id: `edge/${relay}/${seq}`,
    seq: null,
    route,
    state: item.state === "dead" ? "dead" : "spooled",
    verified: item.verified ?? null,
    requestId,
    receivedAt,
    acceptedAt: null,
    size,
    items: lanes.length,
    duplicates: 0,
    replayOf: null,
    reason: item.reason ?? null,
  };
}

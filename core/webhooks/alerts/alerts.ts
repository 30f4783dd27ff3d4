/** Tells people, by the rules of the settings, when webhooks are not as they should be. */
import type { Logger } from "pino";
import { jsonOrUndefined } from "../../../shared/json.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { Clock } from "../../channels/clock.ts";
import type { AlertRule, IngressSettings } from "../../config/ingress/ingress.ts";
import type { Engine } from "../../conversation/engine.ts";
import type { Store } from "../../store/store.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import {
  type AlertMessage,
  AlertState,
  countedByCore,
  decide,
  MAX_RECOVERED,
  type Observed,
  type Recovery,
  withoutCore,
} from "./decide.ts";
import { relayWebhooks } from "../methods/metrics-relay.ts";

/** Relays tell once a minute how they are; a look costs three small queries. */
const LOOK_MS = 30_000;
/** Dead letters that are counted; more is as bad. */
const MAX_DEAD = 1_000;
/** Where what was told is kept, over restarts. */
const FACT = "webhooks.alerts";

export interface AlertParts {
  readonly store: Pick<Store, "get" | "set" | "webhooks" | "webhookStats">;
  readonly engine: Pick<Engine, "tell">;
  /** Undefined: no edge is configured. */
  readonly tunnel: () => Tunnel | undefined;
  /** As it is now: a changed config counts from the next look on. */
  readonly ingress: () => IngressSettings;
  /** What this process has turned away by itself, by `<route> <reason>`. */
  readonly refused: () => ReadonlyMap<string, number>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Looks every half minute, and when the tunnel comes or goes. Settles when `signal` aborts. */
export async function startAlerts(parts: AlertParts, signal: AbortSignal): Promise<void> {
  const { clock, log, tunnel, ingress } = parts;
  let early = new AbortController();
  tunnel()?.onChange(() => early.abort());
  let state = await remembered(parts);
  while (!signal.aborted) {
    early = new AbortController();
    const { alerts } = ingress();
    try {
      state =
        alerts.length > 0
          ? await look(parts, alerts, state)
          : countedByCore(state, Object.fromEntries(parts.refused()));
    } catch (error) {
      // The store is full, or closing: the next look may go better.
      log.warn({ err: error }, "webhook alerts could not be looked at");
    }
    await clock.wait(LOOK_MS, AbortSignal.any([signal, early.signal]));
  }
}

/** One look. @returns What is to be remembered, once it is. */
export async function look(
  parts: AlertParts,
  rules: readonly AlertRule[],
  before: AlertState,
): Promise<AlertState> {
  const observed = await observe(parts, rules, before);
  const { state, messages } = decide(rules, before, observed, parts.clock.now());
  // Told before it is remembered: after a crash in between the same id is not sent twice.
  for (const message of messages) await tell(parts, message);
  await parts.store.set(FACT, JSON.stringify(state));
  return state;
}

async function remembered({ store }: AlertParts): Promise<AlertState> {
  const kept = AlertState.safeParse(jsonOrUndefined((await store.get(FACT)) ?? "{}"));
  const state = kept.success ? kept.data : AlertState.parse({});
  // This process has not seen the edge yet, and has refused nothing.
  return { ...state, isUp: false, counted: withoutCore(state.counted) };
}

async function tell({ engine, log }: AlertParts, { id, to, text }: AlertMessage): Promise<void> {
  try {
    await engine.tell({ id, channel: to.channel, conversation: to.to, text });
    log.info({ channel: to.channel, alert: id }, "alert sent");
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "not_found") throw error;
    log.error({ channel: to.channel, alert: id }, "an alert goes to a channel that there is not");
  }
}

async function observe(
  parts: AlertParts,
  rules: readonly AlertRule[],
  state: AlertState,
): Promise<Observed> {
  const { store, tunnel: dialled } = parts;
  const has = (when: AlertRule["when"]): boolean => rules.some((rule) => rule.when === when);
  const tunnel = dialled();
  const stats = has("source_silent") ? await store.webhookStats() : [];
  const dead = has("dead_letters") ? await store.webhooks({ state: "dead", limit: MAX_DEAD }) : [];
  return {
    lastAt: new Map(
      stats.flatMap(({ route, lastAt }) => (lastAt === 0 ? [] : [[route, lastAt] as const])),
    ),
    edge: tunnel && { connected: tunnel.state.connected, since: tunnel.state.since },
    relays: (tunnel?.relays ?? []).flatMap(({ name, stats: said }) => {
      const counts = relayWebhooks(said);
      return counts === undefined ? [] : [{ name, dead: counts.dead, refused: counts.refused }];
    }),
    dead: dead.length,
    refusedHere: Object.fromEntries(parts.refused()),
    recovery: await recoveryOf(parts, state.outage),
  };
}

/** Asked for while an outage is not settled: what relays said before it says nothing of it. */
async function recoveryOf(
  { store, tunnel: dialled }: AlertParts,
  outage: AlertState["outage"],
): Promise<Recovery | undefined> {
  const tunnel = dialled();
  const connected = tunnel?.relays.filter((relay) => relay.connected) ?? [];
  if (outage === undefined || tunnel === undefined || connected.length === 0) return undefined;
  const waiting = await Promise.all(
    connected.map(async ({ name }) => {
      const answer = await tunnel.request(name, "GET", "/state").catch(() => undefined); // asked again
      return relayWebhooks(answer?.body)?.spooled;
    }),
  );
  const since = await store.webhooks({ since: outage.to, limit: MAX_RECOVERED });
  return {
    isComplete: waiting.every((spooled) => spooled === 0),
    count: since.filter(({ receivedAt }) => receivedAt < outage.to).length,
  };
}

import type { Logger } from "pino";
import { HOOKS_PATH } from "../../shared/edge-bundle.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Proof, ReceivedWebhook, Refusal } from "../../shared/ingress/scheme.ts";
import type { Result } from "../../shared/result.ts";
import { deliveryHeaders } from "../../shared/tunnel/delivery.ts";
import type { Channel } from "../channels/channel.ts";
import type { IngressSettings } from "../config/ingress/ingress.ts";
import type { Engine } from "../conversation/engine.ts";
import type { Store } from "../store/store.ts";
import type { NewWebhook } from "../store/webhook.ts";
import type { Delivered, Delivery } from "../tunnel/handlers.ts";
import { answerOf } from "./answers.ts";
import { Completions } from "./completions.ts";
import { nameEvents } from "./plan/events.ts";
import { type Plan, planWork } from "./plan/plan.ts";
import type { Planned } from "./plan/planned.ts";
import { Refusals } from "./refusals.ts";
import { type Replayed, replay, type ReplayOptions } from "./replays.ts";
import { addressOf } from "./senders/address.ts";
import { redacted, senderScheme } from "./senders/redact.ts";
import { type DeskRoute, RouteTable } from "./route-table.ts";
import type { Verified } from "./verified.ts";
import { verifyHere } from "./verify.ts";
import { viewOf } from "./plan/view.ts";

/** Of the time a sender waits, kept for the way back to it. */
const SYNC_MARGIN_MS = 250;

export interface DeskParts {
  /** As it is now: a changed config counts from the next webhook on. */
  readonly ingress: () => IngressSettings;
  readonly channel: (id: string) => Channel | undefined;
  readonly store: Pick<Store, "webhook" | "webhookBody">;
  readonly engine: Pick<Engine, "acceptWebhook" | "waiters" | "progress" | "runs">;
  /** Where senders reach us; undefined: nowhere but at our own port. */
  readonly publicUrl: () => URL | undefined;
  /** What they post below there; default: `HOOKS_PATH`. */
  readonly hooksPath?: () => string;
  /** Aborts when the gateway takes in nothing more. */
  readonly stop?: AbortSignal | undefined;
  readonly now: () => number;
  readonly log: Logger;
}

/** Takes in every webhook, wherever it was posted: decides what is to be done, and writes it down. */
export class WebhookDesk {
  readonly #parts: DeskParts;
  readonly #routes: RouteTable;
  /** What was turned away here. */
  readonly refusals: Refusals;
  /** For senders who wait until the agent is done. */
  readonly completions: Completions;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.completions = new Completions({ ...parts, stop: parts.stop });
    this.refusals = new Refusals(parts.log, parts.now);
    this.#routes = new RouteTable(parts.ingress, parts.channel);
  }

  /** The route of this name, as the settings are now. */
  route(name: string): Promise<DeskRoute | undefined> {
    return this.#routes.find(name);
  }

  /** Settles when something came in, or became something else, or `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#parts.engine.progress.heard(signal);
  }

  /**
   * Commits a webhook that came through the edge.
   *
   * @returns As `TunnelHandlers.deliver`.
   * @throws GatewayError not_found for a route that is no more, invalid_request for one that nobody
   *   has signed or nobody understands: none of them will be accepted later. `overloaded` when the
   *   inbox or the log is full.
   */
  async take(delivery: Delivery): Promise<Delivered> {
    const { verified, ...rest } = delivery;
    const route = await this.#find(delivery.route);
    if (verified !== "") return this.#takeIn(route, { ...rest, verifiedBy: "edge" });
    const { webhook, proof } = await this.#prove(route, delivery);
    if (!proof.ok) {
      const { reason, header } = proof.error;
      const { requestId } = delivery;
      this.refusals.note(
        route.name,
        reason,
        header === undefined ? { requestId } : { requestId, header },
      );
      throw new GatewayError("invalid_request", "The core could not verify its sender");
    }
    const handshake = route.scheme.handshake(webhook);
    if (handshake !== undefined) return syncAnswer(handshake);
    const { secret } = proof.value;
    // The edge could not read it: it named it by chance.
    try {
      return await this.#takeIn(route, { ...rest, items: [], secret, verifiedBy: "core" });
    } catch (error) {
      if (error instanceof GatewayError && error.code === "invalid_request") {
        this.refusals.note(route.name, "malformed", { requestId: delivery.requestId });
      }
      throw error;
    }
  }

  /**
   * The same for one whose sender is known.
   *
   * @param webhook - Without items: its events are named here.
   */
  takeVerified(route: DeskRoute, webhook: Verified): Promise<Delivered> {
    return this.#takeIn(route, webhook);
  }

  /**
   * Runs a webhook of the log again, as new work.
   *
   * @throws GatewayError not_found, conflict when it still waits or runs and `force` is not given,
   *   or as `take`.
   */
  replay(id: string, options: ReplayOptions = {}): Promise<Replayed> {
    const { store } = this.#parts;
    return replay(id, options, {
      store,
      find: (name) => this.#find(name),
      plan: (route, webhook) => this.#plan(route, webhook),
      commit: async ({ record, plan }) => (await this.#commit(record, plan)).length > 0,
    });
  }

  async #find(name: string): Promise<DeskRoute> {
    const route = await this.#routes.find(name);
    if (route === undefined) throw new GatewayError("not_found", "No webhook of this name");
    return route;
  }

  async #takeIn(route: DeskRoute, webhook: Verified): Promise<Delivered> {
    const { record, plan } = await this.#plan(route, webhook);
    if (plan.work.length + plan.ignored.length === 0) return "committed";
    const [first] = plan.work;
    if (webhook.syncMs === 0 || first === undefined) {
      return (await this.#commit(record, plan)).length > 0 ? "committed" : "duplicate";
    }
    return this.#answerInTime(first.id, webhook.syncMs, { route, record, plan });
  }

  async #answerInTime(
    item: string,
    syncMs: number,
    { route, record, plan }: Planned & { readonly route: DeskRoute },
  ): Promise<Delivered> {
    const { waiters } = this.#parts.engine;
    const waitMs = Math.max(0, syncMs - SYNC_MARGIN_MS);
    const answer = waiters.answerTo(item, waitMs, (text) => answerOf(route.scheme.name, text));
    let fresh: string[];
    try {
      fresh = await this.#commit(record, plan);
    } catch (error) {
      waiters.giveUp(item);
      throw error;
    }
    if (fresh.length > 0) return (await answer) ?? "committed";
    // Its sender has asked again: what it was told before, or would have been.
    const before = await this.#parts.store.webhook(record.id);
    if (before === undefined || before.endedAt !== undefined) waiters.giveUp(item);
    return before?.answer ?? (await answer) ?? "duplicate";
  }

  async #plan(route: DeskRoute, webhook: Verified): Promise<Planned> {
    const { requestId, body } = webhook;
    const named = await nameEvents(route, this.#webhookOf(webhook), webhook);
    if (named === undefined) {
      throw new GatewayError("invalid_request", `Not a webhook of ${route.scheme.name}`);
    }
    const scheme = senderScheme(route.scheme.name);
    // Neither templates nor the model need what anybody could answer with in our name.
    const view = viewOf({ ...webhook, body: redacted(route.scheme.name, body) });
    const plan = planWork({
      id: named.id,
      requestId,
      acceptedAt: this.#parts.now(),
      events: named.events,
      view,
      body,
      cases: route.cases,
      channel: this.#parts.channel,
      sender: scheme !== undefined && addressOf(scheme, body) !== undefined ? scheme : undefined,
      suffix: webhook.replay?.suffix ?? "",
    });
    const lanes = [...new Set(named.events.map(({ lane }) => lane))];
    return {
      record: recordOf(route, webhook, { id: named.id, lanes, ignored: plan.ignored }),
      plan,
    };
  }

  async #commit(record: NewWebhook, plan: Plan): Promise<string[]> {
    const fresh = await this.#parts.engine.acceptWebhook(record, plan.work);
    const { requestId, route, id, verifiedBy } = record;
    const facts = { requestId, route, id, verifiedBy, work: plan.work.length, fresh: fresh.length };
    if (fresh.length > 0) this.#parts.log.info(facts, "webhook accepted");
    else this.#parts.log.debug(facts, "webhook known already");
    return fresh;
  }

  /** Some sign the address as well: what was posted before `hooks.path` changed may come after. */
  async #prove(
    route: DeskRoute,
    delivery: Delivery,
  ): Promise<{ readonly webhook: ReceivedWebhook; readonly proof: Result<Proof, Refusal> }> {
    const webhook = this.#webhookOf(delivery);
    const proof = await verifyHere(route, webhook);
    if (proof.ok || this.#hooksPath === HOOKS_PATH) return { webhook, proof };
    const before = this.#webhookOf(delivery, HOOKS_PATH);
    return { webhook: before, proof: await verifyHere(route, before) };
  }

  get #hooksPath(): string {
    return this.#parts.hooksPath?.() ?? HOOKS_PATH;
  }

  #webhookOf(delivery: Omit<Delivery, "verified">, path = this.#hooksPath): ReceivedWebhook {
    const { route, method, headers, body, query, receivedAt } = delivery;
    const { publicUrl } = this.#parts;
    const url = new URL(publicUrl() ?? "http://localhost/");
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}/${route}`;
    url.search = query;
    // What has waited at the edge was in time, or not, when it came there.
    return { route, method, url, headers, body, now: receivedAt };
  }
}

function recordOf(
  route: DeskRoute,
  webhook: Verified,
  named: Pick<NewWebhook, "id" | "lanes" | "ignored">,
): NewWebhook {
  const { requestId, method, query, ip, receivedAt, body, attempts, secret, syncMs } = webhook;
  return {
    ...named,
    route: route.name,
    scheme: route.scheme.name,
    verifiedBy: webhook.verifiedBy,
    secret,
    requestId,
    method,
    query,
    ip,
    receivedAt,
    headers: deliveryHeaders(webhook.headers, route.secretHeader),
    body,
    replayOf: webhook.replay?.of,
    attempts,
    sync: syncMs > 0,
  };
}

/** What a sender is told that only tests the address. */
async function syncAnswer(response: Response): Promise<Delivered> {
  return {
    status: response.status,
    contentType: response.headers.get("Content-Type") ?? "",
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

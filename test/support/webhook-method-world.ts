import pino from "pino";
import { onTestFinished } from "vitest";
import { WebhookDesk } from "../../core/webhooks/desk.ts";
import { lazyWebhookMethods } from "../../core/webhooks/methods/lazy.ts";
import { webhookMethods } from "../../core/webhooks/methods/methods.ts";
import {
  Replayed,
  WebhookDetails,
  WebhookPage,
  WebhookTail,
} from "../../core/webhooks/methods/answers.ts";
import type { NewWebhook } from "../../core/store/webhook.ts";
import { startTelegramEngine } from "./telegram-engine.ts";
import { webhookConfig, webhooksIn } from "./webhook-config.ts";

/** Of the route `github`. */
export const SECRET = "gh-secret-0123456789";
const ROUTES = {
  github: {
    verify: "github",
    secret: SECRET,
    when: { path: "action", equals: "opened" },
    agent: { template: "{{action}}" },
  },
  stripe: { verify: "stripe", secret: "whsec_0123456789", wake: { template: "{{type}}" } },
};

/** The methods of a core without an edge, over a real store, desk and engine. */
export async function webhookMethodWorld() {
  const bot = await startTelegramEngine();
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const { ingress } = webhooksIn(webhookConfig(ROUTES));
  const stop = new AbortController();
  const now = Date.now;
  const desk = new WebhookDesk({
    ingress: () => ingress,
    channel: () => undefined,
    store: bot.store,
    engine: bot.engine,
    publicUrl: () => undefined,
    now,
    log: pino({ level: "silent" }),
  });
  const posted: Request[] = [];
  const door = {
    url: new URL("https://edge.example/hooks/"),
    fetch: async (request: Request) => {
      posted.push(request);
      return new Response("no", { status: 401, headers: { "X-Request-Id": "r-1" } });
    },
  };
  const parts = {
    store: bot.store,
    desk,
    tunnel: () => undefined,
    ingress: () => ingress,
    door: () => door,
    stop: stop.signal,
    now,
  };
  const loaded = new Map(webhookMethods(parts));
  const call = async (name: string, params: object = {}): Promise<unknown> =>
    loaded.get(name)?.call(params);
  let received = now();
  return {
    bot,
    methods: new Map(lazyWebhookMethods(parts)),
    /** What those stand for. */
    loaded,
    stop,
    posted,
    call,
    list: async (params: object = {}) => WebhookPage.parse(await call("webhooks.list", params)),
    show: async (id: string, waitMs = 0) =>
      WebhookDetails.parse(await call("webhooks.show", { id, waitMs })),
    tail: async (params: object) => WebhookTail.parse(await call("webhooks.tail", params)),
    replay: async (params: object) => Replayed.parse(await call("webhooks.replay", params)),
    /** A webhook that the edge has verified. @returns Its id. */
    take: async (id: string, body: object | string = { action: "opened" }): Promise<string> => {
      received += 1;
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const name = `github:${id}`;
      await desk.take({
        id: name,
        route: "github",
        items: [{ id: name, lane: `github:${id}` }],
        receivedAt: received,
        requestId: `trace-${id}`,
        verified: "github",
        secret: 0,
        method: "POST",
        query: "",
        ip: "192.0.2.1",
        syncMs: 0,
        attempts: 0,
        headers: new Headers({ "Content-Type": "application/json", "X-GitHub-Event": "issues" }),
        body: new Uint8Array(Buffer.from(text)),
      });
      return name;
    },
    /** Work that nobody here can do. @returns Its id. */
    die: async (id: string): Promise<string> => {
      const name = `github:${id}`;
      const work = { id: name, source: "pigeon", lane: name, payload: {}, receivedAt: now() };
      await bot.engine.acceptWebhook(
        record(name, new Uint8Array(Buffer.from('{"action":"opened"}'))),
        [work],
      );
      return name;
    },
  };
}

/** A webhook as the log takes it. */
export function record(id: string, body: Uint8Array<ArrayBuffer>): NewWebhook {
  return {
    id,
    route: "github",
    scheme: "github",
    verifiedBy: "core",
    secret: 1,
    requestId: "r",
    method: "PUT",
    query: "?a=1",
    ip: "",
    receivedAt: 1,
    lanes: [id],
    headers: [],
    body,
    attempts: 2,
    sync: false,
    ignored: [],
  };
}

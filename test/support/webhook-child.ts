/**
 * A core reduced to its webhooks, as a process that a test can kill: reads deliveries from its
 * standard input, one JSON text a line, says which of them it has committed, and works them off:
 * those of the route `agent` are answered by a bot, those of `forward` are posted on. Keeps its
 * state in `argv[2]`, calls the Bot API server at `argv[3]` and posts on to `argv[4]`.
 */
import { createInterface } from "node:readline";
import pino from "pino";
import * as z from "zod";
import { systemClock } from "../../core/channels/clock.ts";
import { createChannels } from "../../core/channels/registry.ts";
import { startEngine } from "../../core/conversation/engine.ts";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import { FORWARD_SOURCE } from "../../core/store/store.ts";
import { WebhookDesk } from "../../core/webhooks/desk.ts";
import { forwarder } from "../../core/webhooks/forward/forward.ts";
import { utf8 } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { BOT } from "./telegram-updates.ts";
import { ScriptedModel } from "./scripted-model.ts";
import { webhookConfig, webhooksIn } from "./webhook-config.ts";

const Line = z.object({ route: z.enum(["agent", "forward"]), id: z.string() });

const [, , stateDir = "", apiRoot = "", upstream = ""] = process.argv;
const log = pino({ level: "error" }, pino.destination(2));
const parts = { log, clock: systemClock, random: () => 0 };
const { now } = systemClock;
const store = await openSqliteStore({ stateDir, now });
const botToken = new Secret(`${BOT.id}:AAF-fake-bot-token-for-tests_0123456`);
const [telegram] = await createChannels({ telegram: { botToken, apiRoot } }, parts);
const channel = (id: string) => (id === telegram?.id ? telegram : undefined);
const { ingress } = webhooksIn(
  webhookConfig({
    hello: {
      verify: "github",
      secret: "a-secret-of-github",
      agent: { deliver: { channel: "telegram", to: "1" } },
    },
    posts: { verify: "github", secret: "a-secret-of-github", forward: { url: upstream } },
  }),
);
const model = new ScriptedModel();
const forward = forwarder({
  ...parts,
  ingress: () => ingress,
  store,
  fetch: (url, init) => fetch(url, init),
  now,
});
const engine = startEngine({
  ...parts,
  store,
  agent: () => ({ models: [model], tools: [], system: "" }),
  channel,
  access: () => ({
    dmPolicy: "open",
    allowFrom: ["*"],
    groupPolicy: "disabled",
    groupAllowFrom: [],
  }),
  route: () => ({ agent: "main", dmScope: "per-channel-peer" }),
  handlers: new Map([[FORWARD_SOURCE, forward]]),
});
const desk = new WebhookDesk({
  ...parts,
  ingress: () => ingress,
  channel,
  store,
  engine,
  publicUrl: () => undefined,
  now,
});

for await (const line of createInterface({ input: process.stdin })) {
  const { route, id } = Line.parse(JSON.parse(line));
  const name = route === "agent" ? "hello" : "posts";
  const result = await desk.take({
    id: `${name}:${id}`,
    route: name,
    items: [{ id: `${name}:${id}`, lane: `${name}:${Number(id) % 3}` }],
    receivedAt: now(),
    requestId: `request-${id}`,
    verified: "github",
    secret: 0,
    method: "POST",
    query: "",
    ip: "",
    syncMs: 0,
    attempts: 0,
    headers: new Headers({ "x-github-delivery": id, "x-github-event": "push" }),
    body: utf8(JSON.stringify({ n: id })),
  });
  process.stdout.write(`${route} ${id} ${JSON.stringify(result)}\n`);
}

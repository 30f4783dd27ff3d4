import { expect, onTestFinished, test } from "vitest";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { startTelegramEngine } from "../../../test/support/telegram-engine.ts";
import { webhookConfig, webhooksIn } from "../../../test/support/webhook-config.ts";
import { WebhookDesk } from "../desk.ts";
import { webhookMethods } from "./methods.ts";
import { BodyPiece, WebhookDetails } from "./answers.ts";

const ADDRESS = "https://hooks.slack.com/commands/T1/2/SECRET";

/** A core that has taken in one slash command of Slack's. */
async function world(text: string) {
  const bot = await startTelegramEngine();
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const agent = { deliver: "none" };
  const { ingress } = webhooksIn(webhookConfig({ slack: { verify: "slack", secret: "s", agent } }));
  const desk = new WebhookDesk({
    ingress: () => ingress,
    channel: () => undefined,
    store: bot.store,
    engine: bot.engine,
    publicUrl: () => undefined,
    now: Date.now,
    log: bot.log,
  });
  const fields = { command: "/ask", text, token: "OLD-SECRET", response_url: ADDRESS };
  const body = String(new URLSearchParams(fields));
  await desk.take({
    id: "slack:t1",
    route: "slack",
    items: [{ id: "slack:t1", lane: "slack" }],
    receivedAt: Date.now(),
    requestId: "trace-1",
    verified: "slack",
    secret: 0,
    method: "POST",
    query: "",
    ip: "",
    syncMs: 0,
    attempts: 0,
    headers: new Headers({ "content-type": "application/x-www-form-urlencoded" }),
    body: utf8(body),
  });
  const methods = new Map(
    webhookMethods({
      store: bot.store,
      desk,
      tunnel: () => undefined,
      ingress: () => ingress,
      door: () => ({ url: new URL("http://localhost"), fetch: (request) => fetch(request) }),
      stop: new AbortController().signal,
      now: Date.now,
    }),
  );
  const call = async (name: string, params: object): Promise<unknown> =>
    methods.get(name)?.call(params);
  return {
    body,
    call,
    /** All pieces of the body. */
    async whole(method: string): Promise<string> {
      const parts: Buffer[] = [];
      for (let offset: number | null = 0; offset !== null;) {
        const piece: BodyPiece = BodyPiece.parse(await call(method, { id: "slack:t1", offset }));
        parts.push(Buffer.from(piece.data, "base64"));
        offset = piece.next;
      }
      return fromUtf8(Uint8Array.from(Buffer.concat(parts)));
    },
  };
}

test.each([
  ["a short body", 3],
  // The address stands on the border of two pieces.
  ["a long one", 256 * 1024 - 60],
])("%s is shown without what answers its sender, and whole to who may do all", async (_name, n) => {
  const it = await world("x".repeat(n));
  const shown = WebhookDetails.parse(await it.call("webhooks.show", { id: "trace-1" }));
  expect(JSON.stringify(shown)).not.toContain("SECRET");
  const body = await it.whole("webhooks.body");
  expect(body).toHaveLength(it.body.length);
  expect(body).not.toMatch(/SECR|slack\.com/);
  expect(new URLSearchParams(body).get("text")).toHaveLength(n);
  expect(await it.whole("webhooks.raw")).toBe(it.body);
});

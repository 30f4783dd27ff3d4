import { expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import type { IngressRoute } from "../../shared/edge-bundle.ts";
import { telegram } from "./telegram.ts";

async function routeWith(...secrets: string[]): Promise<IngressRoute> {
  const digests = await Promise.all(secrets.map(digestOf));
  return { name: "telegram", verification: { scheme: "telegram", digests }, maxBodyBytes: 1_000 };
}

const route = await routeWith("the-secret");

function identify(body: unknown): ReturnType<typeof telegram.identify> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return telegram.identify({ route, headers: new Headers(), body: utf8(text), now: 0 });
}

test.each([
  ["missing", {}, "header_missing"],
  ["empty", { "X-Telegram-Bot-Api-Secret-Token": "" }, "mismatch"],
  ["wrong", { "X-Telegram-Bot-Api-Secret-Token": "the-secreT" }, "mismatch"],
  ["cut short", { "X-Telegram-Bot-Api-Secret-Token": "the-secre" }, "mismatch"],
  ["in another header", { Authorization: "Bearer the-secret" }, "header_missing"],
])("a secret that is %s is refused", async (_name, headers, reason) => {
  const result = await telegram.authenticate(route, new Headers(headers));
  expect(result).toMatchObject({ ok: false, error: { reason } });
});

test("while a secret is being changed the old and the new one are good", async () => {
  const both = await routeWith("old", "new");
  for (const secret of ["old", "new"]) {
    const headers = new Headers({ "X-Telegram-Bot-Api-Secret-Token": secret });
    expect(await telegram.authenticate(both, headers)).toEqual({ ok: true, value: undefined });
  }
});

test.each([
  ["a message", { message: { chat: { id: 42 }, text: "hi" } }, "telegram:42"],
  ["a group", { message: { chat: { id: -1001234567890 } } }, "telegram:-1001234567890"],
  ["an edit", { edited_message: { chat: { id: 42 } } }, "telegram:42"],
  ["a button", { callback_query: { id: "1", message: { chat: { id: 42 } } } }, "telegram:42"],
  ["a reaction", { message_reaction: { chat: { id: 7 }, new_reaction: [] } }, "telegram:7"],
  ["a kind of update not invented yet", { holo_call: { chat: { id: 9 } } }, "telegram:9"],
  ["an update without a chat", { poll: { id: "5" } }, "telegram"],
  ["an update that is nothing else", {}, "telegram"],
])("%s is named by its update id and queued by its chat", async (_name, part, lane) => {
  expect(await identify({ update_id: 7, ...part })).toEqual({
    ok: true,
    value: { deliveryId: "telegram:7", lane },
  });
});

test.each([
  ["empty", ""],
  ["not JSON", "update_id=7"],
  ["cut short", '{"update_id": 7'],
  ["a list", [{ update_id: 7 }]],
  ["without an id", { message: {} }],
  ["with a text for an id", { update_id: "7" }],
  ["with half an id", { update_id: 7.5 }],
  ["null", null],
])("a body that is %s is malformed", async (_name, body) => {
  expect(await identify(body)).toEqual({ ok: false, error: { reason: "malformed" } });
});

test("the answer is empty, because Telegram executes JSON in it", async () => {
  const response = telegram.accepted({ deliveryId: "telegram:7", lane: "telegram" });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
  expect(response.headers.get("Content-Type")).toBeNull();
});

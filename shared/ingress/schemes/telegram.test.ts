import { expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { digestOf } from "../../constant-time.ts";
import { telegram } from "./telegram.ts";

const HEADER = "X-Telegram-Bot-Api-Secret-Token";

async function settingsFor(...secrets: string[]) {
  return { scheme: "telegram" as const, digests: await Promise.all(secrets.map(digestOf)) };
}

const settings = await settingsFor("the-secret");

function identify(body: unknown) {
  return telegram.identify(settings, received({ route: "telegram", body }));
}

test.each([
  ["missing", {}, "missing_header"],
  ["empty", { [HEADER]: "" }, "mismatch"],
  ["wrong", { [HEADER]: "the-secreT" }, "mismatch"],
  ["cut short", { [HEADER]: "the-secre" }, "mismatch"],
  ["the digest of the right one", { [HEADER]: settings.digests[0] ?? "" }, "mismatch"],
  ["in another header", { Authorization: "Bearer the-secret" }, "missing_header"],
])("a secret that is %s is refused", async (_name, headers, reason) => {
  const refused = { ok: false, error: { reason, header: HEADER } };
  expect(await telegram.screen(settings, new Headers(headers), 0)).toEqual(refused);
  expect(await telegram.verify(settings, received({ headers }), noTools)).toEqual(refused);
});

test("while a secret is being changed the old and the new one are good, and it is told which was used", async () => {
  const both = await settingsFor("new", "old");
  for (const [secret, name] of ["new", "old"].entries()) {
    const webhook = received({ headers: { [HEADER]: name } });
    expect(await telegram.screen(both, webhook.headers, 0)).toEqual({ ok: true });
    expect(await telegram.verify(both, webhook, noTools)).toEqual({ ok: true, value: { secret } });
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
    value: [{ id: "telegram:7", lane }],
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
  const response = telegram.accepted(received(), []);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
  expect(response.headers.get("Content-Type")).toBeNull();
});

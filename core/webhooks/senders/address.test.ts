import { expect, test } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { addressOf } from "./address.ts";

const URL_OF = "https://hooks.slack.com/commands/T1/2/abc";

function form(fields: Record<string, string>): string {
  return String(new URLSearchParams(fields));
}

function payload(value: object): string {
  return form({ payload: JSON.stringify(value) });
}

test.each<[string, string, string | undefined]>([
  ["a command", form({ command: "/ask", response_url: URL_OF, trigger_id: "1" }), URL_OF],
  ["a button", payload({ type: "block_actions", response_url: URL_OF }), URL_OF],
  [
    "a modal that asks where to answer",
    payload({ type: "view_submission", response_urls: [{ response_url: URL_OF, block_id: "b" }] }),
    URL_OF,
  ],
  ["a modal that does not", payload({ type: "view_submission", response_urls: [] }), undefined],
  ["a menu", payload({ type: "block_suggestion" }), undefined],
  ["a button without an address", payload({ type: "block_actions", response_url: 7 }), undefined],
  ["an event", JSON.stringify({ type: "event_callback", response_url: URL_OF }), undefined],
  ["an event in a form's clothes", `{"a":"&response_url=${URL_OF}"}`, undefined],
  ["a payload that is none", form({ payload: "{", response_url: "" }), undefined],
  ["an endless address", form({ response_url: `https://x/${"a".repeat(3_000)}` }), undefined],
  ["nothing", "", undefined],
])("%s of Slack", (_name, body, url) => {
  const address = addressOf("slack", utf8(body));
  expect(address?.scheme === "slack" ? address.url.reveal() : undefined).toBe(url);
});

const INTERACTION = { id: "1", type: 2, application_id: "123", token: "aW50ZXJ.x-y_z" };

test.each<[string, object, boolean | undefined]>([
  ["a command", INTERACTION, true],
  ["a modal", { ...INTERACTION, type: 5 }, true],
  ["a button", { ...INTERACTION, type: 3 }, false],
  ["a word to be completed", { ...INTERACTION, type: 4 }, undefined],
  ["a ping", { ...INTERACTION, type: 1 }, undefined],
  ["an application that leads elsewhere", { ...INTERACTION, application_id: "1/../2" }, undefined],
  ["a token with a path in it", { ...INTERACTION, token: "a?b" }, undefined],
  ["a token that is none", { ...INTERACTION, token: "" }, undefined],
  ["no interaction", {}, undefined],
])("%s of Discord", (_name, body, isPending) => {
  const address = addressOf("discord", utf8(JSON.stringify(body)));
  expect(address?.scheme === "discord" ? address.isPending : undefined).toBe(isPending);
});

test("what an address holds is not printed by accident", () => {
  const slack = addressOf("slack", utf8(form({ response_url: URL_OF })));
  const discord = addressOf("discord", utf8(JSON.stringify(INTERACTION)));
  expect(JSON.stringify([slack, discord])).not.toMatch(/hooks\.slack|aW50/);
});

import { expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { redacted } from "./redact.ts";

const ADDRESS = "https://hooks.slack.com/commands/T1/2/abcSECRETdef";

function shown(scheme: string, body: string): string {
  return fromUtf8(redacted(scheme, utf8(body)));
}

function payload(value: object): string {
  return String(new URLSearchParams({ payload: JSON.stringify(value) }));
}

const INTERACTION = { type: 2, token: "aSECRETb", application_id: "1", data: { name: "é" } };

test("an interaction of Discord is shown without its token, and is JSON still", () => {
  const text = shown("discord", JSON.stringify(INTERACTION));
  expect(JSON.parse(text)).toEqual({ ...INTERACTION, token: "********" });
});

test("a command of Slack is shown without its token and the address of its answer", () => {
  const fields = { token: "xSECRETx", text: "a token=1 & more", response_url: ADDRESS, ssl: "1" };
  const form = new URLSearchParams(shown("slack", String(new URLSearchParams(fields))));
  expect(form.get("text")).toBe(fields.text);
  expect(form.get("ssl")).toBe("1");
  expect(form.get("token")).toMatch(/^\*+$/);
  expect(form.get("response_url")).toMatch(/^\*+$/);
});

test("so is what Slack puts into a field as JSON, whatever people have typed beside it", () => {
  const typed = '"token":"mine" &response_url=x';
  const value = {
    token: "xSECRETx",
    response_url: ADDRESS,
    response_urls: [{ response_url: ADDRESS }],
    typed,
    after: "y",
  };
  const form = new URLSearchParams(shown("slack", payload(value)));
  const json: unknown = JSON.parse(form.get("payload") ?? "");
  expect(json).toMatchObject({ typed, after: "y" });
  expect(JSON.stringify(json)).not.toContain("SECRET");
});

test("an event of Slack loses its token only, not what its text has of the look of a form", () => {
  const event = { token: "SECRET", event: { text: "https://x/?a=1&token=2&response_url=3" } };
  const json: unknown = JSON.parse(shown("slack", JSON.stringify(event)));
  expect(json).toEqual({ ...event, token: "******" });
});

test.each([
  ["discord", JSON.stringify(INTERACTION)],
  ["slack", payload({ token: "xSECRETx", a: 'b"c', response_url: ADDRESS })],
  ["slack", String(new URLSearchParams({ token: "xSECRETx", response_url: ADDRESS }))],
  ["", JSON.stringify(INTERACTION)],
])("a body of %j that is cut anywhere shows no more", (scheme, body) => {
  for (let length = 0; length <= body.length; length += 1) {
    const part = body.slice(0, length);
    const text = shown(scheme, part);
    expect(text).not.toMatch(/SECR/);
    expect(utf8(text).byteLength).toBe(utf8(part).byteLength);
  }
});

test("other senders' bodies are shown as they are", () => {
  const body = '{"token":"x","response_url":"y"}';
  expect(shown("github", body)).toBe(body);
});

test("a later part of a body is shown by what the whole of it is", () => {
  const rest = utf8('1,"token":"SECRET"}');
  expect(fromUtf8(redacted("discord", rest, 0x7b))).toBe('1,"token":"******"}');
});

/** Web tokens of webhooks, with keys that a server publishes over HTTP. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createJwtTool } from "../edge/ingress/jwt.ts";
import type { VerificationOf } from "../shared/ingress/route.ts";
import type { SchemeTools } from "../shared/ingress/scheme.ts";
import { googleChat } from "../shared/ingress/schemes/google-chat.ts";
import { teams } from "../shared/ingress/schemes/teams.ts";
import { received } from "./support/received-webhook.ts";
import { type KeyServer, startKeyServer } from "./support/webhook-senders/key-server.ts";

const NOW = 1_800_000_000_000;
const NOW_S = NOW / 1_000;
const SERVICE_URL = "https://smba.trafficmanager.net/emea/";
const CHAT = "chat@system.gserviceaccount.com";

let server: KeyServer;
let tools: SchemeTools;

beforeAll(async () => {
  server = await startKeyServer();
  const jwt = createJwtTool((url, init) => fetch(url, init))(() => undefined);
  tools = { jwt };
});
afterAll(() => server[Symbol.asyncDispose]());

const activity = { type: "message", id: "1", channelId: "msteams", serviceUrl: SERVICE_URL };
const microsoft = {
  iss: "https://api.botframework.com",
  aud: "app",
  serviceurl: SERVICE_URL,
  nbf: NOW_S,
  exp: NOW_S + 3_600,
};

test.each<[string, object, object, string]>([
  ["genuine", {}, {}, "genuine"],
  ["of another channel", {}, { channelId: "directline" }, "unknown_key"],
  ["of no channel", {}, { channelId: undefined }, "unknown_key"],
  ["for another service", {}, { serviceUrl: "https://evil.example/" }, "mismatch"],
  ["for another app", { aud: "other" }, {}, "mismatch"],
  ["of another issuer", { iss: "https://sts.windows.net/" }, {}, "mismatch"],
  ["ended 300 s ago", { exp: NOW_S - 300 }, {}, "stale"],
  ["ended 299 s ago", { exp: NOW_S - 299 }, {}, "genuine"],
  ["begins in 301 s", { nbf: NOW_S + 301 }, {}, "future"],
  ["begins in 300 s", { nbf: NOW_S + 300 }, {}, "genuine"],
])("Bot Framework: a token that is %s", async (_name, claims, part, expected) => {
  const token = await server.token({ ...microsoft, ...claims });
  const webhook = received({
    headers: { Authorization: `Bearer ${token}` },
    body: { ...activity, ...part },
    now: NOW,
  });
  const settings = { scheme: "teams" as const, appIds: ["app"], openIdUrl: server.openIdUrl };
  const result = await teams.verify(settings, webhook, tools);
  expect(result.ok ? "genuine" : result.error.reason).toBe(expected);
});

const google = { iat: NOW_S, exp: NOW_S + 3_600 };
const oidc = { ...google, iss: "https://accounts.google.com", email_verified: true };
const ADDRESS = "https://edge.example/hooks/r";
const ADD_ON = "service-42@gcp-sa-gsuiteaddons.iam.gserviceaccount.com";

test.each<[string, Partial<VerificationOf<"google-chat">>, object, boolean]>([
  ["a project", { kind: "project", audiences: ["42"] }, { ...google, iss: CHAT, aud: "42" }, true],
  [
    "another project",
    { kind: "project", audiences: ["42"] },
    { ...google, iss: CHAT, aud: "43" },
    false,
  ],
  [
    "a project, by the issuer of the others",
    { kind: "project", audiences: ["42"] },
    { ...oidc, aud: "42", email: CHAT },
    false,
  ],
  [
    "an address",
    { kind: "url", audiences: [ADDRESS] },
    { ...oidc, aud: ADDRESS, email: CHAT },
    true,
  ],
  [
    "an address, of somebody with an account",
    { kind: "url", audiences: [ADDRESS] },
    { ...oidc, aud: ADDRESS, email: "me@gmail.com" },
    false,
  ],
  [
    "an add-on",
    { kind: "addon", audiences: [ADDRESS], projectNumber: "42" },
    { ...oidc, aud: ADDRESS, email: ADD_ON },
    true,
  ],
  [
    "another's add-on",
    { kind: "addon", audiences: [ADDRESS], projectNumber: "43" },
    { ...oidc, aud: ADDRESS, email: ADD_ON },
    false,
  ],
])("Google Chat: a token for %s", async (_name, { kind = "url", ...own }, claims, isGood) => {
  const keysUrl = kind === "project" ? server.x509Url : server.jwksUrl;
  const settings = { scheme: "google-chat" as const, kind, audiences: [], ...own, keysUrl };
  const headers = { Authorization: `Bearer ${await server.token({ ...claims })}` };
  const result = await googleChat.verify(settings, received({ headers, now: NOW }), tools);
  expect(result.ok).toBe(isGood);
});

test("a stranger's key under a published name is refused", async () => {
  const token = await server.token(microsoft, true);
  const webhook = received({
    headers: { Authorization: `Bearer ${token}` },
    body: activity,
    now: NOW,
  });
  const settings = { scheme: "teams" as const, appIds: ["app"], openIdUrl: server.openIdUrl };
  expect(await teams.verify(settings, webhook, tools)).toEqual({
    ok: false,
    error: { reason: "mismatch" },
  });
});

test("all of these have cost one look at each document", () => {
  expect(server.asked).toBe(4);
});

test("a server that is gone is told apart in the log, and by nothing else", async () => {
  const lines: string[] = [];
  const spy = vi
    .spyOn(console, "error")
    .mockImplementation((line: string) => void lines.push(line));
  const gone = await startKeyServer();
  const { openIdUrl } = gone;
  const token = await gone.token(microsoft);
  await gone[Symbol.asyncDispose]();
  const settings = { scheme: "teams" as const, appIds: ["app"], openIdUrl };
  const headers = { Authorization: `Bearer ${token}` };
  const webhook = received({ headers, body: activity, now: NOW });
  const result = await teams.verify(settings, webhook, tools);
  spy.mockRestore();
  expect(result).toEqual({ ok: false, error: { reason: "unknown_key" } });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: "webhook_keys_unavailable", host: new URL(openIdUrl).host },
  ]);
});

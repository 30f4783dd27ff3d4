import { describe, expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { ok } from "../../result.ts";
import type { VerificationOf } from "../route.ts";
import type { Claims, JwtDemand } from "../scheme.ts";
import { googleChat } from "./google-chat.ts";

type Settings = VerificationOf<"google-chat">;

const CHAT = "chat@system.gserviceaccount.com";
const ADD_ON = "service-42@gcp-sa-gsuiteaddons.iam.gserviceaccount.com";
const URL = "https://edge.example/hooks/r";
const project: Settings = { scheme: "google-chat", kind: "project", audiences: ["1", "42"] };
const endpoint: Settings = { scheme: "google-chat", kind: "url", audiences: [URL] };
const addOn: Settings = { ...endpoint, kind: "addon", projectNumber: "42" };

async function verify(settings: Settings, claims: Claims) {
  const demands: JwtDemand[] = [];
  const headers = { Authorization: "Bearer a.b.c" };
  const result = await googleChat.verify(settings, received({ headers, now: 7 }), {
    jwt: async (demand) => {
      demands.push(demand);
      return ok(claims);
    },
  });
  return { result, demand: demands[0] };
}

// Source: https://developers.google.com/workspace/chat/verify-requests-from-chat
test.each<[string, Settings, object]>([
  [
    "a project",
    project,
    {
      keys: {
        kind: "x509",
        url: `https://www.googleapis.com/service_accounts/v1/metadata/x509/${CHAT}`,
      },
      issuers: [CHAT],
      audiences: ["1", "42"],
    },
  ],
  [
    "an address",
    endpoint,
    {
      keys: { kind: "jwks", url: "https://www.googleapis.com/oauth2/v3/certs" },
      issuers: ["https://accounts.google.com", "accounts.google.com"],
      audiences: [URL],
    },
  ],
  ["an add-on", addOn, { keys: { kind: "jwks" }, audiences: [URL] }],
  [
    "keys elsewhere",
    { ...project, keysUrl: "http://127.0.0.1:1/x509" },
    { keys: { kind: "x509", url: "http://127.0.0.1:1/x509" } },
  ],
])("what is asked of a token for %s", async (_name, settings, demand) => {
  expect((await verify(settings, {})).demand).toMatchObject({ ...demand, token: "a.b.c", now: 7 });
});

test.each<[string, Settings, Claims, object]>([
  ["for our project", project, { aud: "42" }, { ok: true, value: { secret: 1 } }],
  [
    "of Chat for our address",
    endpoint,
    { aud: URL, email: CHAT, email_verified: true },
    { ok: true, value: { secret: 0 } },
  ],
  [
    "of somebody for our address",
    endpoint,
    { aud: URL, email: "me@gmail.com", email_verified: true },
    { ok: false },
  ],
  ["of nobody for our address", endpoint, { aud: URL }, { ok: false }],
  [
    "of an unproved Chat",
    endpoint,
    { aud: URL, email: CHAT, email_verified: false },
    { ok: false },
  ],
  [
    "of a Chat proved in words",
    endpoint,
    { aud: URL, email: CHAT, email_verified: "true" },
    { ok: false },
  ],
  ["of our add-on", addOn, { aud: URL, email: ADD_ON, email_verified: true }, { ok: true }],
  ["of Chat for an add-on", addOn, { aud: URL, email: CHAT, email_verified: true }, { ok: false }],
  [
    "of another's add-on",
    addOn,
    { aud: URL, email: ADD_ON.replace("42", "43"), email_verified: true },
    { ok: false },
  ],
  [
    "of any add-on, when we do not know ours",
    { ...addOn, projectNumber: undefined },
    { aud: URL, email: ADD_ON.replace("42", "undefined"), email_verified: true },
    { ok: false },
  ],
])("a genuine token %s", async (_name, settings, claims, expected) => {
  expect((await verify(settings, claims)).result).toMatchObject(expected);
});

test("a request without a token is refused before anybody is asked", async () => {
  const refused = { ok: false, error: { reason: "missing_header", header: "Authorization" } };
  expect(await googleChat.screen(project, new Headers(), 0)).toEqual(refused);
  expect(await googleChat.verify(project, received(), noTools)).toEqual(refused);
});

async function itemOf(body: unknown) {
  const result = await googleChat.identify(project, received({ body }));
  return result.ok ? result.value[0] : result.error.reason;
}

describe("events", () => {
  // Source: https://developers.google.com/workspace/chat/receive-respond-interactions
  const message = {
    name: "spaces/AAAAAAAAAAA/messages/AAAAAAAAAAA.AAAAAAAAAAA",
    text: "@TestBot Violin.",
    thread: { name: "spaces/AAAAAAAAAAA/threads/AAAAAAAAAAA" },
    space: { name: "spaces/AAAAAAAAAAA" },
  };
  const space = { name: "spaces/AAAAAAAAAAA", type: "ROOM" };
  const eventTime = "2022-09-24T22:57:42.439Z";

  test("a message is named by itself and its time, its thread is its lane", async () => {
    const body = { type: "MESSAGE", eventTime, message, space };
    expect(await itemOf(body)).toEqual({
      id: `r:MESSAGE:${message.name}:${eventTime}`,
      lane: "r:spaces/AAAAAAAAAAA/threads/AAAAAAAAAAA",
    });
    const clicked = { ...body, type: "CARD_CLICKED", eventTime: "2022-09-24T23:00:00.000Z" };
    expect(await itemOf(clicked)).not.toEqual(await itemOf(body));
  });

  test.each([
    [
      "a message without a thread",
      { message: { ...message, thread: undefined } },
      "r:spaces/AAAAAAAAAAA",
    ],
    ["being added to a space", { space }, "r:spaces/AAAAAAAAAAA"],
    ["nothing known", {}, "r"],
    ["odd things", { message: [], space: 7 }, "r"],
  ])("%s has its lane", async (_name, parts, lane) => {
    expect(await itemOf({ type: "ADDED_TO_SPACE", eventTime, ...parts })).toMatchObject({ lane });
  });

  // Source: https://developers.google.com/workspace/add-ons/chat/build#event-objects
  test("an add-on's event is named in the same way", async () => {
    const body = {
      commonEventObject: { hostApp: "CHAT" },
      chat: { user: { name: "users/1" }, eventTime, messagePayload: { message, space } },
    };
    expect(await itemOf(body)).toEqual({
      id: `r:messagePayload:${message.name}:${eventTime}`,
      lane: "r:spaces/AAAAAAAAAAA/threads/AAAAAAAAAAA",
    });
    const other = { ...body, chat: { eventTime, widgetUpdatedPayload: 7 } };
    expect(await itemOf(other)).toEqual({ id: expect.stringMatching(/^r:[\w-]{43}$/), lane: "r" });
  });

  test("without a time its bytes name it", async () => {
    expect(await itemOf({ type: "MESSAGE", message })).toMatchObject({
      id: expect.stringMatching(/^r:[\w-]{43}$/),
    });
  });

  test.each(["", "[]", "{}", '{"type":7}', '{"chat":[]}', "null"])(
    "%j is malformed",
    async (body) => {
      expect(await itemOf(body)).toBe("malformed");
    },
  );

  test("the answer is an empty object: no message", async () => {
    const response = googleChat.accepted(received(), []);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({});
  });
});

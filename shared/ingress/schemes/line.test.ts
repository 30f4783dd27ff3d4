import { expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { line } from "./line.ts";

const HEADER = "x-line-signature";
// Source: https://github.com/line/line-bot-sdk-nodejs/blob/master/test/validate-signature.spec.ts
const BODY = '{"hello":"world"}';
const SECRET = "test_secret";
const SIGNATURE = "t7Hn4ZDHqs6e+wdvI5TyQIvzie0DmMUmuXEBqyyE/tM=";
const WRONG = "t7Hn4ZDHqs6e+wdvI5TyQivzie0DmMUmuXEBqyyE/tM=";

const settings = { scheme: "line" as const, secrets: ["another", SECRET] };

async function verify(signature: string | undefined, body: unknown = BODY) {
  const headers = new Headers(signature === undefined ? [] : [[HEADER, signature]]);
  const webhook = received({ headers, body });
  const screened = await line.screen(settings, webhook.headers, 0);
  const verified = await line.verify(settings, webhook, noTools);
  if (verified.ok) expect(screened).toEqual({ ok: true });
  return verified.ok ? verified.value.secret : verified.error.reason;
}

test("LINE's own example is genuine, and it is told which secret was used", async () => {
  expect(await verify(SIGNATURE)).toBe(1);
});

test.each([
  ["LINE's own wrong example", WRONG, "mismatch"],
  ["no signature", undefined, "missing_header"],
  ["an empty one", "", "bad_format"],
  ["one without padding", SIGNATURE.slice(0, -1), "bad_format"],
  ["one in the URL-safe alphabet", SIGNATURE.replace("+", "-").replace("/", "_"), "bad_format"],
  ["one with bits behind its end", SIGNATURE.replace("M=", "N="), "bad_format"],
  ["one cut short", SIGNATURE.slice(4), "bad_format"],
  ["one in hex", "ab".repeat(32), "bad_format"],
  ["one with a space in it", SIGNATURE.replace("+", " "), "bad_format"],
])("%s is refused", async (_name, signature, reason) => {
  expect(await verify(signature)).toBe(reason);
});

test("the same JSON in other bytes is refused", async () => {
  expect(await verify(SIGNATURE, '{"hello": "world"}')).toBe("mismatch");
});

// Source: https://developers.line.biz/en/reference/messaging-api/#webhooks
const message = {
  type: "message",
  message: { type: "text", id: "14353798921116", text: "Hello, world" },
  timestamp: 1_625_665_242_211,
  source: { type: "user", userId: "U80696558e1aa831..." },
  replyToken: "757913772c4646b784d4b7ce46d12671",
  mode: "active",
  webhookEventId: "01FZ74A0TDDPYRVKNK77XKC3ZR",
  deliveryContext: { isRedelivery: false },
};
const joined = {
  type: "join",
  source: { type: "group", groupId: "C4af4980629..." },
  webhookEventId: "01FZ74ASS536FW97EX38NKCZQK",
  deliveryContext: { isRedelivery: false },
};

async function itemsOf(body: unknown) {
  const result = await line.identify(settings, received({ body }));
  return result.ok ? result.value : result.error.reason;
}

test("each event has its own name, its lane and the envelope around it", async () => {
  const destination = "xxxxxxxxxx";
  expect(await itemsOf({ destination, events: [message, joined] })).toEqual([
    {
      id: "r:01FZ74A0TDDPYRVKNK77XKC3ZR",
      lane: "r:U80696558e1aa831...",
      value: { destination, events: [message] },
    },
    {
      id: "r:01FZ74ASS536FW97EX38NKCZQK",
      lane: "r:C4af4980629...",
      value: { destination, events: [joined] },
    },
  ]);
});

test("a single event is the whole body, and a redelivered one has the same name", async () => {
  const item = { id: "r:01FZ74A0TDDPYRVKNK77XKC3ZR", lane: "r:U80696558e1aa831..." };
  expect(await itemsOf({ events: [message] })).toEqual([item]);
  const again = { ...message, deliveryContext: { isRedelivery: true } };
  expect(await itemsOf({ events: [again] })).toEqual([item]);
});

test.each([
  ["a group before the user in it", { groupId: "C1", userId: "U1" }, "r:C1"],
  ["a room before the user in it", { roomId: "R1", userId: "U1" }, "r:R1"],
  ["nobody", undefined, "r"],
  ["something odd", { userId: 7 }, "r"],
])("the lane is %s", async (_name, source, lane) => {
  expect(await itemsOf({ events: [{ ...message, source }] })).toMatchObject([{ lane }]);
});

test("an event without an id is named by its content", async () => {
  const { webhookEventId: _, ...nameless } = message;
  const [item] = await itemsOf({ destination: "a", events: [nameless] });
  expect(item).toMatchObject({ id: expect.stringMatching(/^r:[\w-]{43}$/) });
  expect(await itemsOf({ destination: "a", events: [nameless, joined] })).toMatchObject([
    { id: typeof item === "object" ? item.id : undefined },
    {},
  ]);
});

test("the button Verify of the console sends no events, and is answered with an empty 200", async () => {
  const webhook = received({ body: { destination: "xxxxxxxxxx", events: [] } });
  expect(await line.identify(settings, webhook)).toEqual({ ok: true, value: [] });
  const response = line.accepted(webhook, []);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
});

test.each(["", "[]", "{}", '{"events":{}}', '{"events":[1]}', '{"events":[[]]}', "null"])(
  "%j is malformed",
  async (body) => {
    expect(await itemsOf(body)).toBe("malformed");
  },
);

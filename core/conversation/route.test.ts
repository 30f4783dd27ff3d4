import { expect, test } from "vitest";
import type { InboundMessage } from "../channels/channel.ts";
import { promptOf, sessionKeyOf } from "./route.ts";

const direct: InboundMessage = {
  id: "1",
  channel: "telegram",
  conversation: "42",
  sender: "42",
  senderName: "Ada",
  direct: true,
  text: "hi",
  sentAt: 0,
};
const group = { ...direct, conversation: "-100500", direct: false };

test.each([
  ["a direct message", direct, "main", "agent:main:main"],
  ["a direct message on its own", direct, "per-channel-peer", "agent:main:telegram:direct:42"],
  ["a group", group, "main", "agent:main:telegram:group:-100500"],
  [
    "a topic",
    { ...group, conversation: "-100500:7" },
    "main",
    "agent:main:telegram:group:-100500:topic:7",
  ],
] as const)("%s belongs to its session", (_name, message, dmScope, sessionKey) => {
  expect(sessionKeyOf(message, { agent: "main", dmScope })).toBe(sessionKey);
});

test("in a group the agent hears who speaks", () => {
  expect([promptOf(direct), promptOf(group)]).toEqual(["hi", "Ada: hi"]);
});

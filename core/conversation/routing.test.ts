import { expect, test } from "vitest";
import type { InboundMessage } from "../channels/channel.ts";
import type { RouteSettings } from "./route.ts";
import { routed } from "./routing.ts";

function message(sender: string, over: Partial<InboundMessage> = {}): InboundMessage {
  return {
    id: "1",
    channel: "telegram",
    conversation: sender,
    sender,
    senderName: "Ada",
    direct: true,
    text: "hi",
    sentAt: 0,
    ...over,
  };
}

/** Where it belongs, on a channel whose first guest was 42. */
function placeOf(
  said: InboundMessage,
  { othersApart = true, allowFrom = [] as string[], ownerAllowFrom = [] as string[] } = {},
): Promise<string> {
  const route: RouteSettings = { agent: "main", dmScope: "main", othersApart };
  return routed(said, {
    route: () => route,
    access: () => ({
      dmPolicy: "pairing",
      allowFrom,
      groupPolicy: "open",
      groupAllowFrom: [],
      commands: { enabled: true, ownerAllowFrom, allowFrom: undefined },
    }),
    pairing: { firstOf: () => Promise.resolve("42") },
  });
}

const MAIN = "agent:main:main";
const THEIRS = "agent:main:telegram:direct:77";

test.each([
  ["the owner", message("42"), {}, MAIN],
  ["somebody who was paired later", message("77"), {}, THEIRS],
  ["the same, where one session for all is wished", message("77"), { othersApart: false }, MAIN],
  ["somebody whom the config calls owner", message("77"), { ownerAllowFrom: ["77"] }, MAIN],
  ["a guest, where the config names the owner", message("77"), { allowFrom: ["42"] }, THEIRS],
  [
    "a group",
    message("42", { direct: false, conversation: "-1" }),
    {},
    "agent:main:telegram:group:-1",
  ],
])("what %s says belongs to its session", async (_name, said, policy, sessionKey) => {
  expect(await placeOf(said, policy)).toBe(sessionKey);
});

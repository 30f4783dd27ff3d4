import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { InboundMessage } from "../channels/channel.ts";
import { loadSettings } from "../config/resolve.ts";
import type { Settings } from "../config/settings.ts";
import { accessTo, hasMenu, routeOf } from "./chat-policy.ts";

async function settingsOf(config: object): Promise<Settings> {
  const home = await mkdtemp(join(tmpdir(), "policy-"));
  try {
    await writeFile(join(home, "c.json"), JSON.stringify(config));
    const env = { OPENCLAW_CONFIG_PATH: join(home, "c.json") };
    const loaded = await loadSettings({ env, cwd: home, home, uid: undefined, flags: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    return loaded.value;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const agents = { list: ["main", "work", "family", "all"].map((id) => ({ id })) };
const TELEGRAM = { channel: "telegram" };

function message(over: Partial<InboundMessage>): InboundMessage {
  return {
    id: "1",
    channel: "telegram",
    conversation: "5",
    sender: "5",
    senderName: "Ada",
    direct: true,
    text: "hi",
    sentAt: 0,
    ...over,
  };
}

const group = message({ direct: false, conversation: "-100:7", sender: "5" });

test.each<[string, object[], InboundMessage | undefined, string]>([
  ["no binding", [], message({}), "main"],
  ["its channel", [{ agentId: "work", match: TELEGRAM }], message({}), "work"],
  ["another channel", [{ agentId: "work", match: { channel: "slack" } }], message({}), "main"],
  [
    "an account it has not",
    [{ agentId: "work", match: { ...TELEGRAM, accountId: "b" } }],
    message({}),
    "main",
  ],
  [
    "any account",
    [{ agentId: "work", match: { ...TELEGRAM, accountId: "*" } }],
    message({}),
    "work",
  ],
  [
    "its channel and any account",
    [
      { agentId: "all", match: { ...TELEGRAM, accountId: "*" } },
      { agentId: "work", match: TELEGRAM },
    ],
    message({}),
    "work",
  ],
  [
    "its person, behind its channel",
    [
      { agentId: "work", match: TELEGRAM },
      { agentId: "family", match: { ...TELEGRAM, peer: { kind: "direct", id: "5" } } },
    ],
    message({}),
    "family",
  ],
  [
    "another person",
    [{ agentId: "family", match: { ...TELEGRAM, peer: { kind: "dm", id: "6" } } }],
    message({}),
    "main",
  ],
  [
    "the person, who writes in a group",
    [{ agentId: "family", match: { ...TELEGRAM, peer: { kind: "direct", id: "5" } } }],
    group,
    "main",
  ],
  [
    "the group of its topic",
    [{ agentId: "family", match: { ...TELEGRAM, peer: { kind: "group", id: "-100" } } }],
    group,
    "family",
  ],
  [
    "its topic, behind the group of it",
    [
      { agentId: "family", match: { ...TELEGRAM, peer: { kind: "group", id: "-100" } } },
      { agentId: "work", match: { ...TELEGRAM, peer: { kind: "group", id: "-100:7" } } },
    ],
    group,
    "work",
  ],
  [
    "a server, which the platform has not",
    [{ agentId: "work", match: { ...TELEGRAM, guildId: "1" } }],
    message({}),
    "main",
  ],
  ["an agent that is gone", [{ agentId: "gone", match: TELEGRAM }], message({}), "main"],
  ["its channel, and no message", [{ agentId: "work", match: TELEGRAM }], undefined, "main"],
])("a message with a binding of %s goes to the right agent", async (_name, bindings, of, agent) => {
  const settings = await settingsOf({ agents, bindings });
  expect(routeOf(settings, "main", of).agent).toBe(agent);
});

test.each<[object, string]>([
  [{}, "main"],
  [
    { channels: { telegram: { botToken: "1:x", dmPolicy: "open", allowFrom: ["*"] } } },
    "per-channel-peer",
  ],
  [{ channels: { telegram: { botToken: "1:x", allowFrom: [1, 2] } } }, "per-channel-peer"],
  [{ session: { dmScope: "per-peer" } }, "per-peer"],
  [
    {
      session: { dmScope: "main" },
      channels: { telegram: { botToken: "1:x", allowFrom: [1, 2] } },
    },
    "main",
  ],
])("with %j direct messages are sorted as %s", async (config, dmScope) => {
  expect(routeOf(await settingsOf(config), "main", message({})).dmScope).toBe(dmScope);
});

test.each([
  [{}, true],
  [{ session: { dmScope: "main" } }, false],
])("with %j guests are kept out of the owner's session: %s", async (config, othersApart) => {
  expect(routeOf(await settingsOf(config), "main", message({}))).toMatchObject({ othersApart });
});

test.each([
  [{}, {}, true, true],
  [{ native: false }, {}, false, true],
  [{ native: false, text: false }, {}, false, false],
  [{ native: false, text: false }, { native: "auto" }, true, true],
  [{}, { native: false }, false, true],
])("commands %j, of Telegram %j: menu %j, read %j", async (commands, own, menu, enabled) => {
  const botToken = "123456:AAAAAAAAAAAAAAAAAAAAAAAA";
  const telegram = { botToken, allowFrom: [1], commands: own };
  const settings = await settingsOf({ commands, channels: { telegram } });
  expect(hasMenu(settings)).toBe(menu);
  expect(accessTo("telegram", settings).commands?.enabled).toBe(enabled);
});

test("who owns and who may is read from the config, ids as text", async () => {
  const commands = { ownerAllowFrom: ["telegram:1", 2], allowFrom: { "*": [3] }, bash: true };
  const telegram = { botToken: "123456:AAAAAAAAAAAAAAAAAAAAAAAA" };
  const settings = await settingsOf({ commands, channels: { telegram } });
  expect(accessTo("telegram", settings).commands).toEqual({
    enabled: true,
    ownerAllowFrom: ["telegram:1", "2"],
    allowFrom: { "*": ["3"] },
  });
  expect(accessTo("discord", settings).dmPolicy).toBe("disabled");
});

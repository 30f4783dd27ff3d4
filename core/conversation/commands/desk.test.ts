import { expect, test } from "vitest";
import { GatewayError } from "../../../shared/errors.ts";
import { says, type ScriptedModel, waitsFor } from "../../../test/support/scripted-model.ts";
import { EVERYBODY, startTelegramEngine } from "../../../test/support/telegram-engine.ts";
import { BOT, groupText, mentionOf, privateText } from "../../../test/support/telegram-updates.ts";
import type { EngineParts } from "../engine.ts";
import { eventually } from "../../../test/support/until.ts";

const never = new Promise<void>(() => undefined);
const SESSION = "agent:main:telegram:direct:42";
const GROUP = "agent:main:telegram:group:-100500";
const OWNED = {
  ...EVERYBODY,
  commands: { enabled: true, ownerAllowFrom: ["42"], allowFrom: undefined },
};

type Bot = Awaited<ReturnType<typeof startTelegramEngine>>;

/** Says it, and waits for the answer. */
async function say(bot: Bot, id: number, text: string, from = 42): Promise<string> {
  const before = bot.told(from).length;
  bot.fake.push(privateText(id, text, { from }));
  await bot.fake.until(() => bot.told(from).length > before);
  return bot.told(from)[before] ?? "";
}

test("commands of a chat are answered by the gateway, in order with its messages", async () => {
  await using bot = await startTelegramEngine();
  bot.fake.push(privateText(1, "one"), privateText(2, "/whoami"), privateText(3, "two"));
  await bot.fake.until(() => bot.fake.sent.length === 3);
  const [first, who, second] = bot.told(42);
  expect([first, second]).toEqual(["echo: one", "echo: two"]);
  expect(who).toContain("telegram:42");
  expect(bot.model.requests).toHaveLength(2);
  expect(await say(bot, 4, "/status")).toMatch(
    /Model test\/scripted[^]*4 messages[^]*Tokens 6 in, 4 out/,
  );
  expect(await say(bot, 5, "/elevated")).toBe(
    "/elevated is not available here. /commands has what is.",
  );
  expect(await say(bot, 6, "/unheard of")).toBe("echo: /unheard of");
});

test.each(["/stop", "stop", "Please stop!"])(
  "%s ends the turn under way at once, and what waits behind it is not asked",
  async (words) => {
    await using bot = await startTelegramEngine();
    bot.model.next(waitsFor(never));
    bot.fake.push(privateText(1, "think for ever"), privateText(2, "and then this"));
    await eventually(() => expect(bot.engine.runs.active(SESSION)).toHaveLength(1));
    expect(await say(bot, 3, words)).toBe("Stopped.");
    expect(await say(bot, 4, "hello")).toBe("echo: hello");
    expect(bot.told(42)).toEqual(["Stopped.", "echo: hello"]);
    expect(await say(bot, 5, "/stop")).toBe("Nothing is under way.");
  },
);

test("a stop ends a turn that still waits for what comes with it", async () => {
  await using bot = await startTelegramEngine();
  const settings = { queueMode: "collect", queueDebounceMs: 600_000 };
  await bot.store.sessions.patch(SESSION, { settings }, 1);
  const gate = Promise.withResolvers<void>();
  bot.model.next(waitsFor(gate.promise));
  bot.fake.push(privateText(1, "first"));
  await eventually(() => expect(bot.model.requests).toHaveLength(1));
  await bot.fake.post(privateText(2, "second"));
  await bot.fake.post(privateText(3, "third"));
  gate.resolve();
  await eventually(() => {
    expect(bot.told(42)).toEqual(["echo: first"]);
    expect(bot.engine.runs.active(SESSION)).toMatchObject([{ status: "queued" }]);
  });
  expect(await say(bot, 4, "/stop")).toBe("Stopped.");
  expect(await say(bot, 5, "hello")).toBe("echo: hello");
  expect(bot.told(42)).toEqual(["echo: first", "Stopped.", "echo: hello"]);
  expect(bot.model.requests).toHaveLength(2);
});

test("what is said after a stop is answered, though the clock was put back meanwhile", async () => {
  let kept: Promise<void> | undefined;
  await using bot = await startTelegramEngine({
    wrapStore(store) {
      const stops = [["telegram:42", Date.now() + 3_600_000]];
      kept = store.set("stops:channels", JSON.stringify(stops));
      return store;
    },
  });
  await kept;
  // Whatever is asked first has the stops loaded.
  expect(await say(bot, 1, "elsewhere", 7)).toBe("echo: elsewhere");
  expect(await say(bot, 2, "hello")).toBe("echo: hello");
});

test("a stop acts though every place for turns is taken", async () => {
  await using bot = await startTelegramEngine();
  bot.model.next(...Array.from({ length: 8 }, () => waitsFor(never)));
  for (let chat = 1; chat <= 8; chat += 1) {
    bot.fake.push(privateText(chat, "think", { from: chat }));
  }
  await eventually(() => expect(bot.engine.runs.active()).toHaveLength(8));
  expect(await say(bot, 20, "/stop", 5)).toBe("Stopped.");
  expect(bot.engine.runs.active()).toHaveLength(7);
});

test("strangers stop nothing", async () => {
  const access = { ...EVERYBODY, dmPolicy: "allowlist", allowFrom: ["42"] } as const;
  await using bot = await startTelegramEngine({ access, dmScope: "main" });
  bot.model.next(waitsFor(never));
  bot.fake.push(privateText(1, "think"));
  await eventually(() => expect(bot.engine.runs.active()).toHaveLength(1));
  bot.fake.push(privateText(2, "/stop", { from: 7 }));
  await eventually(() => expect(bot.logged()).toContain("message of a stranger"));
  expect(bot.engine.runs.active()).toHaveLength(1);
});

test("a new session begins with what follows the command", async () => {
  await using bot = await startTelegramEngine();
  await say(bot, 1, "old");
  expect(await say(bot, 2, "/new what is new?")).toBe("echo: what is new?");
  expect(bot.model.requests.at(-1)?.messages).toHaveLength(1);
  expect(await say(bot, 3, "/reset")).toBe("A new session has begun.");
  expect(await bot.store.history(SESSION, 9)).toEqual([]);
  await say(bot, 4, "kept");
  expect(await say(bot, 5, "/reset soft")).toBe("A soft reset is not available here.");
  expect(await bot.store.history(SESSION, 9)).toHaveLength(2);
  expect(await say(bot, 6, "/new soft cheese?")).toBe("echo: soft cheese?");
});

test("settings of a session are shown, set and gone back from", async () => {
  await using bot = await startTelegramEngine();
  expect(await say(bot, 1, "/think high")).toBe("Thinking: high.");
  expect(await say(bot, 2, "/t")).toContain("Thinking: high.");
  expect(await say(bot, 3, "/think very much")).toContain("Nothing has changed");
  expect((await bot.store.sessions.find(SESSION))?.settings).toMatchObject({
    thinkingLevel: "high",
  });
  await say(bot, 4, "/think default");
  expect((await bot.store.sessions.find(SESSION))?.settings).toEqual({});
  await say(bot, 5, "/usage tokens");
  expect(await say(bot, 6, "hi")).toBe("echo: hi\n\n3 tokens in, 2 out");
  expect(await say(bot, 7, "/name  My   talk ")).toBe("Title: My talk");
  expect(await say(bot, 8, "/compact")).toBe("Not compacted: nothing to compact.");
  expect(await say(bot, 9, "/context")).toContain("2 messages");
});

/** An agent that two models can answer for. */
const twoModels =
  (model: ScriptedModel): EngineParts["agent"] =>
  (_agentId, wanted) => {
    if (wanted === undefined) return { models: [model], tools: [], system: "" };
    if (wanted !== "other" && wanted !== "test/other") {
      throw new GatewayError("model_not_found", `No model '${wanted}'`);
    }
    return {
      models: [{ id: "test/other", demo: false, stream: says("I am the other") }],
      tools: [],
      system: "",
    };
  };

test("the model is the owner's to choose", async () => {
  await using bot = await startTelegramEngine({ access: OWNED, agent: twoModels });
  expect(await say(bot, 1, "/model other", 7)).toContain('["telegram:7"]');
  expect(await say(bot, 2, "/model", 7)).toContain("Model: test/scripted (the agent's own)");
  expect(await say(bot, 3, "/model other")).toBe("Model of this session: test/other.");
  expect(await say(bot, 4, "hi")).toBe("I am the other");
  expect(await say(bot, 5, "/model none")).toContain("No model 'none'");
  expect(await say(bot, 6, "/model other -g")).toContain("sallyport models set");
  expect(await say(bot, 7, "/status")).toContain("Model test/other (chosen for this session)");
  expect(await say(bot, 8, "/model default")).toBe("Model: test/scripted, as by default.");
  expect(await say(bot, 9, "hi")).toBe("echo: hi");
});

test("a session may be closed to writing, and opened again", async () => {
  await using bot = await startTelegramEngine({ access: OWNED });
  expect(await say(bot, 1, "/send off")).toBe("Writing in this session: off.");
  bot.fake.push(privateText(2, "nobody hears this"));
  expect(await say(bot, 3, "/send on")).toBe("Writing in this session: on.");
  expect(await say(bot, 4, "hi")).toBe("echo: hi");
  expect(bot.model.requests).toHaveLength(1);
});

test("who may say no commands is not answered, and their words are for the agent", async () => {
  const commands = { enabled: true, ownerAllowFrom: [], allowFrom: { telegram: ["7"] } };
  await using bot = await startTelegramEngine({ access: { ...EVERYBODY, commands } });
  bot.fake.push(privateText(1, "/status"));
  expect(await say(bot, 2, "stop")).toBe("echo: stop");
  expect(bot.told(42)).toHaveLength(1);
  expect(await say(bot, 3, "/whoami", 7)).toContain("telegram:7");
});

test("where commands are off the agent hears them, and a stop stops all the same", async () => {
  const commands = { enabled: false, ownerAllowFrom: [], allowFrom: undefined };
  await using bot = await startTelegramEngine({ access: { ...EVERYBODY, commands } });
  expect(await say(bot, 1, "/status")).toBe("echo: /status");
  expect(await say(bot, 2, "/stop")).toBe("Nothing is under way.");
});

/** The entity with which Telegram marks a command at the beginning. */
function toUs(text: string): Record<string, unknown> {
  return { entities: [{ type: "bot_command", offset: 0, length: text.length }] };
}

test("a group is answered where it names us, or everywhere once its owner says so", async () => {
  await using bot = await startTelegramEngine({ access: OWNED });
  const told = (): string[] => bot.told(-100_500);
  const at = `@${BOT.username}`;
  bot.fake.push(
    groupText(1, "/status"),
    groupText(2, "/status@other_bot", toUs("/status@other_bot")),
  );
  bot.fake.push(groupText(3, `/activation${at} always`, toUs(`/activation${at}`)));
  await bot.fake.until(() => told().length === 1);
  expect(told()).toEqual(["In this group I answer: always."]);
  expect((await bot.store.sessions.find(GROUP))?.settings).toMatchObject({
    groupActivation: "always",
  });
  bot.fake.push(groupText(4, "hello all"));
  await bot.fake.until(() => told().length === 2);
  expect(told()[1]).toBe("echo: Ada: hello all");
  const words = `${at} /activation mention`;
  bot.fake.push(groupText(5, words, mentionOf(words)), groupText(6, "hello again"));
  bot.fake.push(groupText(7, `${at} you`, mentionOf(`${at} you`)));
  await bot.fake.until(() => told().length === 4);
  expect(told().slice(2)).toEqual(["In this group I answer: mention.", `echo: Ada: ${at} you`]);
});

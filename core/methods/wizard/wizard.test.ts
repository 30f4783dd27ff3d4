import * as schemas from "@openclaw/gateway-protocol/schema";
import { Check } from "typebox/value";
import * as z from "zod";
import { expect, test } from "vitest";
import type { ModelProbe } from "../../models/ask-once.ts";
import { commandLineContext } from "../command-line.ts";
import { wizardMethods } from "./methods.ts";

const View = z.object({
  sessionId: z.string().optional(),
  done: z.boolean(),
  status: z.string(),
  error: z.string().optional(),
  step: z
    .object({ id: z.string(), type: z.string(), title: z.string(), message: z.string().optional() })
    .optional(),
});

const TOKEN = "42:abcdefghijklmnopqrstuvwxyz";

function world(probe: ModelProbe["status"] = "ok") {
  let now = 0;
  const written: object[] = [];
  const tried: (string | undefined)[] = [];
  const methods = new Map(
    wizardMethods({
      now: () => now,
      setup: {
        async tryModel(ref, key) {
          tried.push(ref, key?.reveal());
          return { status: probe, latencyMs: 1, error: probe === "ok" ? undefined : "bad key" };
        },
        tryTelegram: async () => ({ ok: true, elapsedMs: 1, account: { id: "42", name: "bot" } }),
        write: async (change) => void written.push(change),
      },
    }),
  );
  const context = commandLineContext(new AbortController().signal);
  const call = async (name: string, params: object) => {
    const answer = await methods.get(name)?.call(params, context);
    const schema =
      name === "wizard.start" ? schemas.WizardStartResultSchema : schemas.WizardNextResultSchema;
    if (["wizard.start", "wizard.next"].includes(name)) expect(Check(schema, answer)).toBe(true);
    return answer;
  };
  return {
    written,
    tried,
    call,
    later: (ms: number) => (now += ms),
    /** Answers one step after the other; the last view. */
    async walk(answers: readonly unknown[], params: object = {}) {
      let view = View.parse(await call("wizard.start", params));
      const { sessionId } = view;
      const titles: (string | undefined)[] = [];
      for (const value of answers) {
        titles.push(view.step?.title);
        const answer = { stepId: view.step?.id, value };
        view = View.parse(await call("wizard.next", { sessionId, answer }));
      }
      return { ...view, sessionId, titles };
    },
  };
}

test("a setup asks for model, channel and edge, checks them, and writes all of it at once", async () => {
  const it = world();
  const answers = ["openai", "sk-12345678", "openai/gpt-x", "telegram", TOKEN, "", true];
  const end = await it.walk(answers);
  expect(end).toMatchObject({ done: true, status: "done" });
  expect(end.titles).toEqual(["Model", "Key", "Model", "Channel", "Telegram", "Edge", "Save"]);
  expect(it.tried).toEqual(["openai/gpt-x", "sk-12345678"]);
  expect(it.written).toEqual([
    {
      agents: { defaults: { model: { primary: "openai/gpt-x" } } },
      models: { providers: { openai: { apiKey: "sk-12345678" } } },
      channels: { telegram: { enabled: true, botToken: TOKEN } },
    },
  ]);
});

test("whoever does not say yes at the end has changed nothing", async () => {
  const it = world();
  const end = await it.walk(["keep", "telegram", TOKEN, "", false]);
  expect(end).toMatchObject({ done: true, status: "done" });
  expect(it.written).toEqual([]);
});

test("a model that does not answer is only written by somebody who wants it all the same", async () => {
  const it = world("auth");
  const { titles } = await it.walk(["ollama", "ollama/x", false, "none", "", true]);
  expect(titles).toEqual(["Model", "Model", "Check", "Channel", "Edge", "Nothing to do"]);
  expect(it.written).toEqual([]);
});

test("an answer that does not fit is asked for again, with what is wrong with it", async () => {
  const it = world();
  const view = await it.walk(["anthropic", "a key with spaces"]);
  expect(view.step).toMatchObject({
    title: "Key",
    message: expect.stringMatching(/^That is no key/),
  });
});

test("a flow for a channel asks for nothing else", async () => {
  const it = world();
  const end = await it.walk(["telegram", TOKEN], { flow: "channels", channel: "telegram" });
  expect(end).toMatchObject({ done: true });
  expect(it.written).toEqual([{ channels: { telegram: { enabled: true, botToken: TOKEN } } }]);
  await expect(it.call("wizard.start", { flow: "channels", channel: "irc" })).rejects.toThrow(
    "not available",
  );
});

test("an answer to another step is refused, and the one it waits for is still there", async () => {
  const it = world();
  const { sessionId, step } = await it.walk([]);
  const wrong = it.call("wizard.next", { sessionId, answer: { stepId: "step-9", value: 1 } });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_request" });
  expect(await it.call("wizard.next", { sessionId })).toMatchObject({ step });
});

test("one that is called off is over, and nobody can go on with it", async () => {
  const it = world();
  const { sessionId, step } = await it.walk([]);
  expect(await it.call("wizard.cancel", { sessionId })).toEqual({ status: "cancelled" });
  expect(await it.call("wizard.status", { sessionId })).toEqual({ status: "cancelled" });
  const more = it.call("wizard.next", { sessionId, answer: { stepId: step?.id, value: "openai" } });
  await expect(more).rejects.toMatchObject({ code: "invalid_request" });
  await expect(it.call("wizard.status", { sessionId: "nobody" })).rejects.toMatchObject({
    details: { code: "WIZARD_NOT_FOUND" },
  });
});

test("there is one at a time, until whoever began it has been away for long", async () => {
  const it = world();
  const { sessionId } = await it.walk([]);
  await expect(it.walk([])).rejects.toMatchObject({ code: "overloaded" });
  it.later(16 * 60_000);
  expect(await it.walk([])).toMatchObject({ done: false });
  expect(await it.call("wizard.status", { sessionId })).toEqual({ status: "cancelled" });
});

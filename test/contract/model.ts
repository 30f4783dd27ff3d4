/** What every model adapter promises (core/models/model.ts), as tests each of them runs. */
import { describe, expect, test, vi } from "vitest";
import type { Model, ModelEvent, ModelRequest } from "../../core/models/model.ts";
import type { AdapterSettings, ModelTimeouts } from "../../core/models/settings.ts";
import { Secret } from "../../shared/secret.ts";
import { type Behavior, callTools, fail, type FakeModel, reply } from "../support/fake-model.ts";

/** Long and unlike anything else, so that finding it means a leak. */
const API_KEY = "sk-contract-7f3a9c1e5b8d2046";

/** Unix time the adapters are told; HTTP dates are counted from it. */
const NOW = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");

const PATIENT: ModelTimeouts = { firstByteMs: 30_000, idleMs: 30_000 };

export function ask(text: string): ModelRequest {
  return {
    messages: [{ role: "user", text }],
    tools: [],
    temperature: undefined,
    maxOutputTokens: undefined,
  };
}

export async function collect(
  model: Model,
  request: ModelRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<ModelEvent[]> {
  return Array.fromAsync(model.stream(request, signal));
}

export function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.delta : "")).join("");
}

function isTerminal(event: ModelEvent): boolean {
  return event.type === "done" || event.type === "failed";
}

/** The promises that need no server. `answer` is what the model says to `question`. */
export function describeModel(
  name: string,
  make: () => Promise<{ readonly model: Model } & AsyncDisposable>,
  { question, answer }: { readonly question: string; readonly answer: string },
): void {
  describe(`${name} as a model`, () => {
    test("an answer is its deltas, then exactly one done", async () => {
      await using made = await make();
      const events = await collect(made.model, ask(question));
      expect(textOf(events)).toBe(answer);
      expect(events.filter(isTerminal)).toHaveLength(1);
      expect(events.at(-1)).toMatchObject({ type: "done", stop: "end" });
    });

    test("tokens are counted both ways", async () => {
      await using made = await make();
      const last = (await collect(made.model, ask(question))).at(-1);
      expect(last).toMatchObject({
        usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
      });
      expect(last?.type === "done" && Math.min(...Object.values(last.usage))).toBeGreaterThan(0);
    });

    test("two answers at once do not mix", async () => {
      await using made = await make();
      const [first, second] = await Promise.all([
        collect(made.model, ask(question)),
        collect(made.model, ask(question)),
      ]);
      expect([textOf(first), textOf(second)]).toEqual([answer, answer]);
    });

    test("a signal that is already aborted gives canceled and nothing else", async () => {
      await using made = await make();
      expect(await collect(made.model, ask(question), AbortSignal.abort())).toEqual([
        expect.objectContaining({ type: "failed", code: "canceled" }),
      ]);
    });

    test("an abort in the middle of an answer ends it with canceled", async () => {
      await using made = await make();
      const abort = new AbortController();
      const events: ModelEvent[] = [];
      for await (const event of made.model.stream(ask(question), abort.signal)) {
        events.push(event);
        abort.abort();
      }
      expect(events.map(({ type }) => type)).toEqual(["text", "failed"]);
      expect(events.at(-1)).toMatchObject({ code: "canceled" });
    });
  });
}

export interface RemoteModel {
  /** Starts the vendor's fake; `apiKey` is the only one it lets in. */
  readonly start: (apiKey: string) => Promise<FakeModel>;
  readonly create: (settings: AdapterSettings) => Model;
  /** How the vendor says inside a stream that it is overloaded. */
  readonly overloadedEvent: unknown;
}

interface World extends AsyncDisposable {
  readonly server: FakeModel;
  readonly model: Model;
}

/** The promises of an adapter that talks to a provider's server. */
export function describeRemoteModel(name: string, remote: RemoteModel): void {
  async function world(timeouts = PATIENT): Promise<World> {
    const server = await remote.start(API_KEY);
    const model = remote.create({
      provider: "acme",
      model: "brain-1",
      apiKey: new Secret(API_KEY),
      baseUrl: server.baseUrl,
      timeouts,
      now: () => NOW,
    });
    return { server, model, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  describeModel(name, world, { question: "How are you today?", answer: "How are you today?" });

  describe(`${name} and its provider`, () => {
    const refusals: readonly (readonly [string, Behavior, object])[] = [
      ["401", fail(401), { code: "model_unauthorized", retryAfterMs: undefined }],
      ["403", fail(403), { code: "model_unauthorized" }],
      ["402, no credit", fail(402), { code: "model_unauthorized" }],
      ["404", fail(404), { code: "model_not_found" }],
      ["400", fail(400), { code: "invalid_request" }],
      ["413", fail(413), { code: "invalid_request" }],
      ["422", fail(422), { code: "invalid_request" }],
      ["408", fail(408), { code: "model_timeout" }],
      ["429", fail(429), { code: "rate_limited", retryAfterMs: undefined }],
      [
        "429 with seconds",
        fail(429, { "Retry-After": "7" }),
        { code: "rate_limited", retryAfterMs: 7_000 },
      ],
      [
        "429 with a date",
        fail(429, { "Retry-After": "Wed, 21 Oct 2026 07:29:30 GMT" }),
        { code: "rate_limited", retryAfterMs: 90_000 },
      ],
      [
        "429 with milliseconds",
        fail(429, { "Retry-After": "7", "Retry-After-Ms": "1500" }),
        { code: "rate_limited", retryAfterMs: 1_500 },
      ],
      ["503", fail(503, { "Retry-After": "3" }), { code: "model_overloaded", retryAfterMs: 3_000 }],
      ["529", fail(529), { code: "model_overloaded" }],
      ["500", fail(500), { code: "model_failed" }],
      ["502 with a page", fail(502, {}, "<html>Bad gateway</html>"), { code: "model_failed" }],
      ["500 with a megabyte", fail(500, {}, "x".repeat(1_000_000)), { code: "model_failed" }],
      ["an empty 200", raw("text/event-stream", ""), { code: "model_failed" }],
      ["a web page", raw("text/html", "<!doctype html>\n<p>Hello\n"), { code: "model_failed" }],
      ["a JSON document", raw("application/json", '{"ok":true}\n'), { code: "model_failed" }],
      [
        "an event that is not JSON",
        raw("text/event-stream", "event: message_start\ndata: {oops\n\n"),
        { code: "model_failed" },
      ],
      [
        "an event that is JSON of another shape",
        raw("text/event-stream", 'event: message_start\ndata: {"choices":7,"type":7}\n\n'),
        { code: "model_failed" },
      ],
      ["binary noise", raw("text/event-stream", "\0\u{1}\u{fffd}\n\n\0"), { code: "model_failed" }],
      ["a bare end mark", raw("text/event-stream", "data: [DONE]\n\n"), { code: "model_failed" }],
    ];

    test.each(refusals)("%s fails the answer, once, without a retry", async (_, behavior, fact) => {
      await using made = await world();
      made.server.always(behavior);
      const events = await collect(made.model, ask("hello"));
      expect(events).toEqual([expect.objectContaining({ type: "failed", ...fact })]);
      expect(made.server.requestCount).toBe(1);
    });

    const broken: readonly (readonly [string, Behavior, string])[] = [
      ["a connection cut", { kind: "cut", words: 2 }, "model_failed"],
      ["a body that ends early", { kind: "stop_short", words: 2 }, "model_failed"],
      [
        "overload",
        { kind: "error_event", words: 2, body: remote.overloadedEvent },
        "model_overloaded",
      ],
    ];

    test.each(broken)("%s in the middle keeps the words before it", async (_, behavior, code) => {
      await using made = await world();
      made.server.always(behavior);
      const events = await collect(made.model, ask("hello"));
      expect(textOf(events)).toBe("word0 word1 ");
      expect(events.filter(isTerminal)).toEqual([expect.objectContaining({ code })]);
      expect(events.at(-1)).toMatchObject({ type: "failed" });
    });

    test.each([
      ["no status", -1, { firstByteMs: 60, idleMs: 30_000 }],
      ["no word", 0, { firstByteMs: 30_000, idleMs: 60 }],
      ["no third word", 2, { firstByteMs: 30_000, idleMs: 60 }],
    ])("a server that hangs with %s times out and is left", async (_, words, timeouts) => {
      await using made = await world(timeouts);
      made.server.always({ kind: "hang", words });
      const events = await collect(made.model, ask("hello"));
      expect(events.at(-1)).toMatchObject({ type: "failed", code: "model_timeout" });
      await made.server.waitForAborts(1);
    });

    test("signs of life keep a thinking model from timing out", async () => {
      await using made = await world({ firstByteMs: 1_000, idleMs: 1_000 });
      made.server.replyWith("at last", { pings: 60, wordDelayMs: 20 });
      expect(textOf(await collect(made.model, ask("hello")))).toBe("at last");
    });

    test("a server that is not there is named by host and port only", async () => {
      await using made = await world();
      const { host } = new URL(made.server.baseUrl);
      await made.server[Symbol.asyncDispose]();
      const [event, ...others] = await collect(made.model, ask("hello"));
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        code: "model_failed",
        message: `Cannot reach acme at ${host} (ECONNREFUSED)`,
      });
    });

    test.each([
      ["before the status", -1],
      ["between two words", 1],
    ])("the provider sees the caller leave %s", async (_, words) => {
      await using made = await world();
      made.server.always({ kind: "hang", words });
      const abort = new AbortController();
      const events = collect(made.model, ask("hello"), abort.signal);
      await made.server.waitForRequests(1);
      abort.abort();
      expect((await events).at(-1)).toMatchObject({ type: "failed", code: "canceled" });
      await made.server.waitForAborts(1);
    });

    test("a caller that stops listening leaves no request behind", async () => {
      await using made = await world();
      made.server.always({ kind: "hang", words: 2 });
      for await (const event of made.model.stream(ask("hi"), new AbortController().signal)) {
        expect(event.type).toBe("text");
        break;
      }
      await made.server.waitForAborts(1);
    });

    test("tool calls arrive whole, and their results are taken back", async () => {
      await using made = await world();
      const calls = [
        { id: "call_a", name: "weather", input: '{"city":"Zürich","days":3}' },
        { id: "call_b", name: "time", input: "{}" },
      ];
      made.server.next(callTools(calls, "Let me look."));
      const first = await collect(made.model, ask("hello"));
      expect(textOf(first)).toBe("Let me look.");
      expect(first.flatMap((event) => (event.type === "tool_call" ? event.call : []))).toEqual(
        calls,
      );
      expect(first.at(-1)).toMatchObject({ type: "done", stop: "tool_calls" });

      const second = await collect(made.model, {
        ...ask("hello"),
        messages: [
          { role: "system", text: "Be brief." },
          { role: "user", text: "hello" },
          { role: "assistant", text: "Let me look.", toolCalls: calls },
          { role: "tool", callId: "call_a", text: "rain" },
          { role: "tool", callId: "call_b", text: "" },
          { role: "user", text: "and now?" },
        ],
      });
      expect(textOf(second)).toBe("and now?");
    });

    test("the key is in no event and no output, even when the provider echoes it", async () => {
      vi.stubEnv("ANTHROPIC_LOG", "debug").stubEnv("OPENAI_LOG", "debug");
      const written: unknown[] = [];
      const spies = (["debug", "info", "log", "warn", "error"] as const).map((level) =>
        vi.spyOn(console, level).mockImplementation((...args) => void written.push(args)),
      );
      await using made = await world();
      const echo = JSON.stringify({ error: { message: `bad key ${API_KEY}`, type: API_KEY } });
      for (const status of [400, 401, 429, 500]) {
        made.server.next(fail(status, { "X-Echo": API_KEY }, echo), fail(status, {}, API_KEY));
      }
      made.server.next({ kind: "error_event", words: 0, body: JSON.parse(echo) });
      made.server.always(reply("fine"));
      const seen: unknown[] = [];
      for (let round = 0; round < 10; round += 1) {
        seen.push(...(await collect(made.model, ask("hello"))));
      }
      for (const spy of spies) spy.mockRestore();
      vi.unstubAllEnvs();
      expect(JSON.stringify(seen)).toContain("fine");
      expect(JSON.stringify([seen, written])).not.toContain(API_KEY);
      expect(written).toEqual([]);
    });
  });
}

function raw(contentType: string, body: string): Behavior {
  return { kind: "raw", contentType, body };
}

/**
 * Cores that stand still or end in the middle of something, and a crowd that comes back after that.
 * Side by side, as most of it is waiting.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, type TestContext, vi } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { randomToken } from "../../../shared/bytes.ts";
import { type CoreProcess, createHome, startCore } from "../../support/core.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { startEdge } from "../../support/edge.ts";
import { startFakeOpenAi } from "../../support/fake-openai.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { bodyOf, strayIn } from "../../support/invariants.ts";
import { aBundle, TOKENS } from "../../support/tunnel-core.ts";
import { echoSocket, startWorld, type World } from "./world.ts";

/** Longer than a busy moment may be: the core looks at its clock once a second. */
const SLEEP_MS = 6_500;
/** An unanswered heartbeat alone would be noticed after 16 + 10 s at the earliest. */
const HEARTBEAT_NOTICES_MS = 20_000;

const Line = z.object({ time: z.iso.datetime().transform((text) => Date.parse(text)) });

async function logged(core: CoreProcess, text: string, count = 1): Promise<number> {
  const lines = await vi.waitUntil(
    () => {
      const found = core.log.filter((line) => line.includes(text));
      return found.length >= count && found;
    },
    { timeout: HEARTBEAT_NOTICES_MS },
  );
  return Line.parse(JSON.parse(lines[count - 1] ?? "")).time;
}

test.concurrent("failure 9: a core that slept notices by its clock that its path has been forgotten, and dials", async ({
  annotate,
  onTestFinished,
}) => {
  const pairing = randomToken();
  await using edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  await using proxy = await startFaultProxy({ target: Number(edge.url.port) });
  const env = { SALLYPORT_EDGE_URL: `http://127.0.0.1:${proxy.port}` };
  await using home = await createHome(edge, pairing, {}, env);
  const core = await startCore(home, edge);
  onTestFinished(() => core.kill());
  const before = proxy.accepted;

  process.kill(core.pid, "SIGSTOP");
  await sleep(SLEEP_MS);
  // As a router does that has not heard of a connection for long: nobody is told.
  proxy.drop();
  proxy.resume();
  process.kill(core.pid, "SIGCONT");

  const wokeAt = await logged(core, "this machine was asleep");
  const backAt = await logged(core, "tunnel connected", 2);
  await annotate(`connected ${backAt - wokeAt} ms after the sleep was noticed`);
  expect(proxy.accepted).toBe(before + 1);
  const response = await callEdge(edge.url, "/v1/models", { token: home.token });
  expect(response.status).toBe(200);
});

/** What comes of an answer, from when it began. */
class Reading {
  text = "";
  readonly over: Promise<"whole" | "broken off">;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    if (response.body === null) throw new Error("no body");
    this.#reader = response.body.getReader();
    this.over = this.#read();
  }

  async has(part: string): Promise<void> {
    while (!this.text.includes(part)) await sleep(10);
  }

  async #read(): Promise<"whole" | "broken off"> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) return "whole";
        this.text += decoder.decode(value, { stream: true });
      }
    } catch {
      return "broken off";
    }
  }
}

/** A real core whose model says `words`, one in so many milliseconds. */
async function talking({ onTestFinished }: TestContext, words: string, wordDelayMs: number) {
  const pairing = randomToken();
  const parts = new AsyncDisposableStack();
  onTestFinished(() => parts.disposeAsync());
  const edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const model = parts.use(await startFakeOpenAi());
  const env = { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: model.baseUrl };
  const home = parts.use(await createHome(edge, pairing, {}, env));
  const core: CoreProcess = await startCore(home, edge);
  parts.defer(() => core.kill());
  model.replyWith(words, { wordDelayMs });
  const response = await callEdge(edge.url, "/v1/chat/completions", {
    method: "POST",
    token: home.token,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      model: "openclaw",
      stream: true,
      messages: [{ role: "user", content: "Talk" }],
    }),
  });
  return { core, reading: new Reading(response) };
}

test.concurrent("failure 36: an answer that is under way at SIGTERM is finished before the core ends", async (context) => {
  const { core, reading } = await talking(context, "one two three four five six seven eight", 150);
  await reading.has("two");
  const stopped = core.stop();
  expect(await reading.over).toBe("whole");
  expect(reading.text).toContain("eight");
  expect(reading.text).toContain("[DONE]");
  expect(await stopped).toBe(0);
});

test.concurrent("failure 36: an answer that goes on for ever is cut off at the deadline, and does not look complete", async (context) => {
  const { core, reading } = await talking(context, "word ".repeat(3_000).concat("last"), 50);
  await reading.has("word");
  const before = reading.text.length;
  const stopped = core.stop();
  const end = await reading.over;
  expect(reading.text.length).toBeGreaterThan(before + 1_000);
  expect(reading.text).not.toContain("last");
  expect(end === "broken off" || reading.text.includes('"error"')).toBe(true);
  expect(await stopped).toBe(0);
});

const CROWD = 300;

/** A client as they are: it tries again, a little later each time, until it is let in. */
async function persistent(world: World, refusals: number[]): Promise<WebSocket> {
  const url = new URL("/gateway", world.edge.url);
  url.protocol = "ws:";
  for (let attempt = 1; ; attempt += 1) {
    const headers = { Authorization: `Bearer ${TOKENS.operator}` };
    const socket = new WebSocket(url, { headers });
    const refused = Promise.withResolvers<number>();
    socket.on("error", () => refused.resolve(0));
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      refused.resolve(response.statusCode ?? 0);
    });
    const status = await Promise.race([once(socket, "open").then(() => 101), refused.promise]);
    if (status === 101) return socket;
    refusals.push(status);
    await sleep(Math.random() * 100 * attempt);
  }
}

async function echoes(socket: WebSocket, seed: number): Promise<string | undefined> {
  const heard = once(socket, "message");
  socket.send(bodyOf(seed, 2_000));
  const [data] = await heard;
  return strayIn(data, seed, 2_000);
}

test.concurrent.each([
  ["survive the core", true],
  ["have to come back", false],
])(
  `failure 37: after a restart all of ${CROWD} clients that %s are served, and the relay keeps nothing`,
  async (_name, survives) => {
    const bundle = await aBundle();
    await using world = await startWorld({
      bundle: () => bundle,
      upgrade: async () => ({ ...echoSocket(), survives }),
    });
    const refusals: number[] = [];
    const seeds = Array.from({ length: CROWD }, (_v, index) => index + 1);
    let sockets = await Promise.all(seeds.map(() => persistent(world, refusals)));
    const gone = sockets.map((socket) => once(socket, "close").then(([code]) => code));
    await world.disconnect();
    if (!survives) {
      // All are told at once, and all of them dial while there is no core.
      expect(new Set(await Promise.all(gone))).toEqual(new Set([1012]));
      const again = Promise.all(seeds.map(() => persistent(world, refusals)));
      await world.connect();
      sockets = await again;
    } else {
      const waiting = Promise.all(
        sockets.map((socket, index) => echoes(socket, seeds[index] ?? 0)),
      );
      await world.connect();
      expect(new Set(await waiting)).toEqual(new Set([undefined]));
    }
    const heard = await Promise.all(sockets.map((socket, index) => echoes(socket, index)));
    expect(new Set(heard)).toEqual(new Set([undefined]));
    // Refused, if at all, with the word to come again.
    expect(refusals.filter((status) => status !== 503 && status !== 429)).toEqual([]);
    expect(await world.relayState()).toMatchObject({ sockets: CROWD, bufferedBytes: 0 });
    for (const socket of sockets) socket.terminate();
    await world.settled();
  },
);

/** Streams of events: silent for long, and asked for in a packed form. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterEach, expect, test, vi } from "vitest";
import { EVENT_STREAM_TYPE, EventStreams } from "../../../core/http/events.ts";
import { keepAlive } from "../../../core/upstream/keepalive.ts";
import { TOKENS } from "../../support/tunnel-core.ts";
import { startWorld } from "./world.ts";

afterEach(() => void vi.useRealTimers());

/** Longest silence that a proxy or a phone is left in. */
const SILENCE_MS = 25_000;
const TEN_MINUTES_MS = 600_000;

const events = { headers: { "Content-Type": EVENT_STREAM_TYPE } };

test("failure 25: events of ours that do not come for ten minutes are no dead connection", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  let now = 1_000_000;
  const streams = new EventStreams(() => now);
  const late = Promise.withResolvers<string>();
  async function* made(): AsyncGenerator<string, void> {
    yield "first";
    yield await late.promise;
  }
  await using world = await startWorld({
    fetch: async (incoming) =>
      incoming.url.endsWith("/events")
        ? new Response(
            streams.open(made(), () => undefined),
            events,
          )
        : new Response(await incoming.bytes()),
  });
  const reader = (await world.call("/events")).body?.pipeThrough(new TextDecoderStream());
  const lines = reader?.getReader();
  expect((await lines?.read())?.value).toBe("data: first\n\n");
  for (let silentMs = 0; silentMs < TEN_MINUTES_MS; silentMs += SILENCE_MS) {
    now += SILENCE_MS;
    vi.advanceTimersByTime(SILENCE_MS);
    expect((await lines?.read())?.value).toMatch(/^(: keepalive\n\n)+$/);
  }
  late.resolve("last");
  expect((await lines?.read())?.value).toBe("data: last\n\n");
  expect((await lines?.read())?.done).toBe(true);
  await world.settled();
});

test("failure 25: events of an upstream that do not come are no dead connection", async () => {
  let upstream: ReadableStreamDefaultController<Uint8Array> | undefined;
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      upstream = controller;
      controller.enqueue(new TextEncoder().encode("data: first\n\n"));
    },
  });
  await using world = await startWorld({
    fetch: async (incoming) =>
      incoming.url.endsWith("/events")
        ? new Response(keepAlive(source, 20), events)
        : new Response(await incoming.bytes()),
  });
  const response = await world.call("/events");
  let text = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.split(": keepalive\n\n").length > 20 && upstream !== undefined) {
      upstream.enqueue(new TextEncoder().encode("data: last\n\n"));
      upstream.close();
      upstream = undefined;
    }
  }
  const [first = "", ...rest] = text.split(": keepalive\n\n");
  expect(first).toBe("data: first\n\n");
  expect(rest.join("")).toBe("data: last\n\n");
  await world.settled();
});

test("failure 26: events come plain and at once to a client that would take them packed", async () => {
  const more = Promise.withResolvers<void>();
  async function* made(): AsyncGenerator<string, void> {
    yield "first";
    await more.promise;
    yield "last";
  }
  const streams = new EventStreams(() => Date.now());
  await using world = await startWorld({
    fetch: async (incoming) =>
      incoming.url.endsWith("/events")
        ? new Response(
            streams.open(made(), () => undefined),
            events,
          )
        : new Response(await incoming.bytes()),
  });
  const { hostname, port } = world.edge.url;
  const headers = {
    Authorization: `Bearer ${TOKENS.operator}`,
    "Accept-Encoding": "gzip, deflate, br, zstd",
  };
  const asked = request({ hostname, port, path: "/events", headers });
  asked.end();
  const [response]: IncomingMessage[] = await once(asked, "response");
  expect(response?.headers["content-encoding"] ?? "identity").toBe("identity");
  expect(response?.headers["content-type"]).toBe(EVENT_STREAM_TYPE);
  // The second is not made before the first is here: nobody waits for more to pack.
  const [first] = response === undefined ? [] : await once(response, "data");
  expect(String(first)).toBe("data: first\n\n");
  more.resolve();
  const [last] = response === undefined ? [] : await once(response, "data");
  expect(String(last)).toBe("data: last\n\n");
  asked.destroy();
  await world.settled();
});

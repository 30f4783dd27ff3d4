import { afterEach, expect, test, vi } from "vitest";
import { EventStreams } from "./events.ts";

afterEach(() => vi.useRealTimers());

async function* texts(...all: string[]): AsyncGenerator<string, void> {
  yield* all;
}

async function* brokenAfterOne(): AsyncGenerator<string, void> {
  yield "one";
  throw new Error("a bug");
}

/** Says nothing until it is told to, or returned. */
function silent() {
  const word = Promise.withResolvers<string>();
  async function* events(): AsyncGenerator<string, void> {
    yield await word.promise;
  }
  return { events: events(), say: word.resolve };
}

test("every text is one event, and the end is the end", async () => {
  const body = new EventStreams(Date.now).open(texts('{"a":1}', "[DONE]"), () => undefined);
  expect(await new Response(body).text()).toBe('data: {"a":1}\n\ndata: [DONE]\n\n');
});

test("a client that stops reading ends the source, once", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  async function* events(): AsyncGenerator<string, void> {
    try {
      yield "one";
      yield "two";
    } finally {
      resolve("ended");
    }
  }
  const onCancel = vi.fn<() => void>();
  const reader = new EventStreams(Date.now).open(events(), onCancel).getReader();
  await reader.read();
  await reader.cancel();
  expect(await ended).toBe("ended");
  expect(onCancel).toHaveBeenCalledTimes(1);
});

test("a silent stream is kept alive, and only while somebody waits for it", async () => {
  vi.useFakeTimers();
  const { events, say } = silent();
  const reader = new EventStreams(Date.now).open(events, () => undefined).getReader();
  const first = reader.read();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(new TextDecoder().decode((await first).value)).toBe(": keepalive\n\n");

  const second = reader.read();
  await vi.advanceTimersByTimeAsync(5_000);
  say("word");
  expect(new TextDecoder().decode((await second).value)).toBe("data: word\n\n");
  expect((await reader.read()).done).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("a hundred streams share one timer, and it goes with the last of them", async () => {
  vi.useFakeTimers();
  const streams = new EventStreams(Date.now);
  const bodies = Array.from({ length: 100 }, () => streams.open(silent().events, () => undefined));
  expect(vi.getTimerCount()).toBe(1);
  // Each source waits for its first word, so its end is not waited for.
  for (const body of bodies) void body.cancel();
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("a source that breaks fails its stream and is forgotten", async () => {
  vi.useFakeTimers();
  const body = new EventStreams(Date.now).open(brokenAfterOne(), () => undefined);
  await expect(new Response(body).text()).rejects.toThrow("a bug");
  expect(vi.getTimerCount()).toBe(0);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EventBoundary, keepAlive, takesComments } from "./keepalive.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ["before the first byte", "", true],
  ["after an event", "data: 1\n\n", true],
  ["after an event with CRLF", "data: 1\r\n\r\n", true],
  ["after an event with CR", "data: 1\r\r", true],
  ["after a comment", ": hello\n\n", true],
  ["within a line", "data: 1", false],
  ["after a line", "data: 1\n", false],
  ["between the halves of a line's CRLF", "data: 1\r", false],
  ["after a line with CRLF", "data: 1\r\n", false],
  ["within the second event", "data: 1\n\nda", false],
])("%s a comment may come: %s -> %s", (_name, text, between) => {
  const whole = new EventBoundary();
  whole.push(bytes(text));
  expect(whole.between).toBe(between);
  const cut = new EventBoundary();
  for (const byte of bytes(text)) cut.push(Uint8Array.of(byte));
  expect(cut.between).toBe(between);
});

test.each([
  ["events", { "content-type": "text/event-stream; charset=utf-8" }, true],
  ["events in capitals", { "content-type": "Text/Event-Stream" }, true],
  ["compressed events", { "content-type": "text/event-stream", "content-encoding": "gzip" }, false],
  ["events of known length", { "content-type": "text/event-stream", "content-length": "9" }, false],
  ["a page", { "content-type": "text/html" }, false],
  ["nothing in particular", {}, false],
])("an answer of %s takes comments: %s", (_name, headers: Record<string, string>, takes) => {
  expect(takesComments(new Headers(headers))).toBe(takes);
});

function source() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const canceled = vi.fn<(reason: unknown) => void>();
  const stream = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
    cancel: canceled,
  });
  return {
    stream,
    canceled,
    push: (text: string) => controller?.enqueue(bytes(text)),
    close: () => controller?.close(),
    fail: (error: Error) => controller?.error(error),
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  return new TextDecoder().decode((await reader.read()).value);
}

test("a silence between events is filled, again and again, and events go on in order", async () => {
  const { stream, push, close } = source();
  const reader = keepAlive(stream, 15_000).getReader();
  push("data: 1\n\n");
  expect(await next(reader)).toBe("data: 1\n\n");
  for (let round = 0; round < 2; round += 1) {
    const comment = next(reader);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await comment).toBe(": keepalive\n\n");
  }
  // Comes while nobody waits: it must not be lost.
  push("data: 2\n\n");
  await vi.advanceTimersByTimeAsync(1);
  expect(await next(reader)).toBe("data: 2\n\n");
  close();
  expect((await reader.read()).done).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("nothing is put into the middle of an event", async () => {
  const { stream, push } = source();
  const reader = keepAlive(stream, 15_000).getReader();
  push("data: half");
  expect(await next(reader)).toBe("data: half");
  const rest = next(reader);
  await vi.advanceTimersByTimeAsync(60_000);
  push(" more\n\n");
  expect(await rest).toBe(" more\n\n");
});

test("a failure of the source is the reader's, and a reader who leaves ends the source", async () => {
  const broken = source();
  const reader = keepAlive(broken.stream).getReader();
  broken.fail(new Error("cut"));
  await expect(reader.read()).rejects.toThrow("cut");

  const left = source();
  const leaver = keepAlive(left.stream).getReader();
  const pending = leaver.read();
  await leaver.cancel("enough");
  expect((await pending).done).toBe(true);
  expect(left.canceled).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

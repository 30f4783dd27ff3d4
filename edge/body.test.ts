import { expect, test } from "vitest";
import { GatewayError } from "../shared/errors.ts";
import { capBody, readBody } from "./body.ts";

function stream(...sizes: number[]): { body: ReadableStream<Uint8Array>; pulled: () => number } {
  let next = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = sizes[next];
        next += 1;
        if (size === undefined) controller.close();
        else controller.enqueue(new Uint8Array(size).fill(next));
      },
    },
    { highWaterMark: 0 },
  );
  return { body, pulled: () => next };
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
}

test.each([
  ["no body", null, 10, 0],
  ["an empty body", stream().body, 10, 0],
  ["several parts", stream(3, 4).body, 10, 7],
  ["exactly the limit", stream(5, 5).body, 10, 10],
])("reads %s", async (_name, body, limit, bytes) => {
  expect((await readBody(body, limit)).byteLength).toBe(bytes);
});

test("a body one byte too long is refused without reading on", async () => {
  const { body, pulled } = stream(5, 6, 5, 5, 5);
  expect(await codeOf(readBody(body, 10))).toBe("too_large");
  expect(pulled()).toBe(2);
});

test("a capped body passes its bytes on as they are", async () => {
  const capped = capBody(stream(3, 4).body, 7);
  expect([...(await readBody(capped.body, 100))]).toEqual([1, 1, 1, 2, 2, 2, 2]);
  expect(capped.exceeded).toBe(false);
});

test("a capped body fails at its limit and says so", async () => {
  const capped = capBody(stream(3, 5).body, 7);
  expect(await codeOf(readBody(capped.body, 100))).toBe("too_large");
  expect(capped.exceeded).toBe(true);
});

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type RequestListener, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { probeRuntime } from "./probe.ts";

/** Longer than a busy machine keeps this process waiting: an answer that is there must count. */
const PACE = { everyMs: 1, timeoutMs: 800 };

/** A runtime on a Unix socket that does what `listener` does. */
async function runtime(listener: RequestListener) {
  const folder = await mkdtemp(join(tmpdir(), "probe-"));
  const socketPath = join(folder, "s");
  const server = createServer(listener).listen(socketPath);
  await once(server, "listening");
  return {
    socketPath,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}

test("a runtime that does not answer three times in a row is reported, once", async () => {
  let asked = 0;
  await using it = await runtime(() => {
    asked += 1;
  });
  await new Promise<void>((resolve) => probeRuntime(it.socketPath, resolve, PACE));
  expect(asked).toBe(3);
});

test("a runtime that nobody can reach is reported as well", async () => {
  await new Promise<void>((resolve) => probeRuntime("/nowhere/http.sock", resolve, PACE));
});

test("one that is only slow now and then is left alone, whatever it answers", async () => {
  const seen: string[] = [];
  const enough = Promise.withResolvers<void>();
  await using it = await runtime((request, answer) => {
    seen.push(`${request.method} ${request.url}`);
    if (seen.length % 3 === 0) answer.writeHead(405).end();
    if (seen.length === 6) enough.resolve();
  });
  let hung = false;
  const probe = probeRuntime(
    it.socketPath,
    () => {
      hung = true;
    },
    PACE,
  );
  await enough.promise;
  probe[Symbol.dispose]();
  expect(hung).toBe(false);
  expect(new Set(seen)).toEqual(new Set(["OPTIONS /healthz"]));
});

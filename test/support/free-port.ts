import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to connections and to who asks for any port. */
const [FIRST, AFTER_LAST] = [20_000, 30_000] as const;

/**
 * A loopback port that was free a moment ago: for programs that cannot say which one they got. Not
 * one that the system may give to somebody else before they have it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, AFTER_LAST);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once("listening", () => resolve(true)).once("error", () => resolve(false));
  server.listen(port, "127.0.0.1");
  if (!(await promise)) return false;
  server.close();
  await once(server, "close");
  return true;
}

import { once } from "node:events";
import { createServer } from "node:net";

/** A loopback port that was free a moment ago: for programs that cannot say which one they got. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

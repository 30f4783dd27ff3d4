import { once } from "node:events";
import { createServer } from "node:net";

/**
 * True when nothing listens on `port` of the loopback address. Port 0 is always free.
 *
 * Only good for a clear message: between the look and the use another program may take it.
 */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false; // In use, or below 1024 and not ours to take.
  } finally {
    server.close();
  }
}

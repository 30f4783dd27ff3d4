import { connect } from "node:net";

/** Whether a program takes connections there: cheaper than a wrong guess. One that hangs does. */
export async function isListening(url: string, timeoutMs: number): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: hostname.replaceAll(/[[\]]/g, ""), port: Number(port) });
  socket.setTimeout(timeoutMs, () => resolve(true));
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  const there = await promise;
  socket.destroy();
  return there;
}

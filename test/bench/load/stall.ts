import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ParsedTarget, TaskOf } from "./task.ts";

let stalled: Socket[] = [];

/** So many clients that ask for something long, see it begin, and take no more of it. */
export async function stall({ target, clients }: TaskOf<"stall">): Promise<number> {
  for (const socket of stalled) socket.destroy();
  stalled = await Promise.all(Array.from({ length: clients }, () => begin(target)));
  return stalled.length;
}

async function begin({ port, path, headers }: ParsedTarget): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...lines, "", ""].join("\r\n"));
  await once(socket, "readable");
  return socket;
}

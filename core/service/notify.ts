import type { Environment } from "../config/paths.ts";

/**
 * Tells systemd how we are, when it wants to know. Node has no datagram sockets of this kind, so
 * that a program of systemd does it. Never rejects: without it the gateway is as well as before.
 *
 * Source: sd_notify(3), systemd-notify(1).
 */
export async function notifyManager(env: Environment, ...facts: readonly string[]): Promise<void> {
  const { NOTIFY_SOCKET, PATH } = env;
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === "") return;
  // Most gateways have no such manager, and need not load what starts programs.
  const { toolIn } = await import("./tool.ts");
  await toolIn({ NOTIFY_SOCKET, PATH })("systemd-notify", facts);
}

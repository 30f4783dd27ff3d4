import { access } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../../shared/errors.ts";
import { complaintOf, type Tool } from "./tool.ts";

const FOLDER = "/var/lib/systemd/linger";

/** Whether services of this user outlive their sessions. Source: loginctl(1), `enable-linger`. */
export async function lingers(user: string, folder = FOLDER): Promise<boolean> {
  if (!/^[\w.@-]+$/.test(user)) return false;
  return access(join(folder, user)).then(
    () => true,
    () => false,
  );
}

/** @throws GatewayError forbidden */
export async function letLinger(user: string, tool: Tool): Promise<void> {
  const run = await tool("loginctl", ["--no-ask-password", "enable-linger", user]);
  if (run.code === 0) return;
  throw new GatewayError(
    "forbidden",
    `loginctl enable-linger: ${complaintOf(run)}; try sudo loginctl enable-linger ${user}`,
  );
}

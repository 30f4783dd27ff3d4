import { writeFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import type { Settings } from "../config/settings.ts";
import type { Gateway } from "../gateway/start.ts";
import { type Command, type Io, parseFlags, settingsOf } from "./command.ts";
import { sourceOf, stopped } from "./ready.ts";

const Descriptor = z.coerce.number().int().min(1).max(1023);

const OPTIONS = {
  port: { type: "string" },
  bind: { type: "string" },
  token: { type: "string" },
  json: { type: "boolean" },
  "ready-fd": { type: "string" },
  standby: { type: "boolean" },
} as const;

export const gateway: Command = {
  usage:
    "gateway [run] [--port N] [--bind loopback|lan] [--token T] [--standby] [--json] [--ready-fd N]",
  summary: "Run the gateway until it is told to stop; with --standby, once no other one leads",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    // Asked for first, so that a Ctrl-C during the start is heard as well.
    const { stop } = io;
    const [action = "run", ...rest] = positionals;
    if (action !== "run" || rest.length > 0) {
      throw new GatewayError("invalid_request", "gateway knows only: gateway run");
    }
    const readyFd = descriptorOf(values["ready-fd"]);
    const { port, bind, token, standby, json = false } = values;
    const flags = { port, bind, token, standby };
    const settings = await settingsOf(io, flags);
    const [{ startGateway }, { loadSettings }, { createLog }] = await Promise.all([
      import("../gateway/start.ts"),
      import("../config/resolve.ts"),
      import("../log.ts"),
    ]);
    const log = createLog(settings.logLevel, io.log);
    for (const warning of settings.warnings) log.warn(warning);

    const { env, cwd, home, uid } = io;
    const load = (): ReturnType<typeof loadSettings> =>
      loadSettings({ env, cwd, home, uid, flags });
    await using running = await startGateway(settings, log, load);
    const tell = (event: "standby" | "ready"): void => {
      const line = stateLine(event, running, settings, io);
      if (json || io.supervised) io.out(line);
      if (readyFd !== undefined) writeFileSync(readyFd, `${line}\n`);
    };
    const standsBy = settings.mode === "standby";
    tell(standsBy ? "standby" : "ready");
    // Now, and not at the exit: a gateway that is killed one day should start faster all the same.
    flushCompileCache();
    // Made for a machine of 512 MB: left alone, the young generation grows from 17 to 134 MB under
    // load and never shrinks, and the old one collects late. 250 MB after 1,000 turns become 150.
    setFlagsFromString("--semi-space-growth-factor=1");
    setFlagsFromString("--optimize-for-size");
    const stopping = stopped(stop);
    if (standsBy) {
      // One that should lead and cannot is of no use: that ends it.
      await Promise.race([running.leads, stopping]);
      if (!stop.aborted) tell("ready");
    }
    await stopping;
    log.info("stopping");
    await running.drain();
    return 0;
  },
};

function descriptorOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = Descriptor.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new GatewayError("invalid_request", "--ready-fd must be the number of an open file");
}

/** For the program that started us: how we are, where, and where to find what opens us. */
function stateLine(
  event: "standby" | "ready",
  { port, url, model }: Gateway,
  { gateway: own, hooks, edge }: Settings,
  io: Io,
): string {
  return JSON.stringify({
    event,
    pid: io.pid,
    port,
    url,
    gateway: url,
    model,
    token: sourceOf(own.token, "OPENCLAW_GATEWAY_TOKEN"),
    hooks: hooks === undefined ? null : sourceOf(hooks.token, ""),
    edge: edge?.url ?? null,
  });
}

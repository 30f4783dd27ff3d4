import { flushCompileCache } from "node:module";
import { GatewayError } from "../../shared/errors.ts";
import type { EdgeSettings, Settings } from "../config/settings.ts";
import type { Tunnel } from "../tunnel/handlers.ts";
import type { UpstreamFlags } from "../upstream/resolve.ts";
import type { UpstreamSettings } from "../upstream/settings.ts";
import { type Command, ConfigFault, type Io, parseFlags, settingsOf } from "./command.ts";
import { sourceOf, stopped } from "./ready.ts";

const OPTIONS = {
  upstream: { type: "string" },
  edge: { type: "string" },
  "preserve-host": { type: "boolean" },
  "trust-forwarded": { type: "boolean" },
  translate: { type: "string" },
  "drain-timeout-ms": { type: "string" },
  json: { type: "boolean" },
} as const;

/** A day, as the setting may be. */
const MAX_DRAIN_MS = 86_400_000;

export const connect: Command = {
  usage:
    "connect --upstream URL [--edge URL] [--translate openclaw] [--preserve-host] " +
    "[--trust-forwarded] [--drain-timeout-ms N] [--json]",
  summary:
    "Put the edge in front of another HTTP gateway; its own token comes from the config or from " +
    "SALLYPORT_UPSTREAM_TOKEN",
  details: `  --drain-timeout-ms N   at its end (Ctrl-C, SIGTERM) it takes nothing new, and gives what is
                         under way so long; otherwise sallyport.limits.drainTimeoutMs of the config
                         counts, as it is then; without either, 20000. Above 10000 on Docker or 30000
                         on Kubernetes, tell these to wait longer before they kill`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    // Asked for first, so that a Ctrl-C during the start is heard as well.
    const { stop } = io;
    if (positionals.length > 0) {
      throw new GatewayError("invalid_request", "connect takes flags alone; try --help");
    }
    const drainMs = drainMsOf(values["drain-timeout-ms"]);
    // As a variable it wins over the config, and leaves what else that says of the edge.
    const env = values.edge === undefined ? io.env : { ...io.env, SALLYPORT_EDGE_URL: values.edge };
    const settings = await settingsOf({ ...io, env });
    const { edge } = settings;
    if (edge === undefined) {
      throw new GatewayError("invalid_request", "there is no edge yet: say --edge with its URL");
    }
    const upstream = await upstreamOf(settings, io, {
      url: values.upstream,
      preserveHost: values["preserve-host"],
      trustForwarded: values["trust-forwarded"],
      translate: values.translate,
    });
    const [{ startConnector }, { loadSettings }, { leaveNote }, { createLog }] = await Promise.all([
      import("../upstream/start.ts"),
      import("../config/resolve.ts"),
      import("../upstream/presence.ts"),
      import("../log.ts"),
    ]);
    const log = createLog(settings.logLevel, io.log);
    for (const warning of settings.warnings) log.warn(warning);
    const { upstreamRoutes: routes } = settings;
    const { upstream: front } = settings.config.sallyport;
    const own = {
      token: settings.gateway.token.secret,
      hooksToken: settings.hooks?.token.secret,
      rate: settings.limits.rate,
      drainTimeoutMs: settings.limits.drainTimeoutMs,
      stateDir: settings.stateDir,
    };
    const { cwd, home, uid } = io;
    const load = (): ReturnType<typeof loadSettings> =>
      loadSettings({ env, cwd, home, uid, flags: {} });
    await using running = await startConnector(
      { edge, upstream, front, own, routes, follow: { load, settings } },
      log,
    );
    const about = { pid: io.pid, edge: edge.url, upstream: upstream.url.origin };
    await using parts = new AsyncDisposableStack();
    parts.use(await leaveNote(settings.stateDir, about));
    flushCompileCache();
    await serving(running.tunnel, stop);
    if (!stop.aborted) {
      const machine = values.json === true || io.supervised;
      io.out(machine ? readyLine(edge, upstream, settings, io) : readyText(edge, upstream));
    }
    await stopped(stop);
    log.info("stopping");
    await running.drain(drainMs);
    return 0;
  },
};

/** @returns Undefined: as the settings say. @throws GatewayError invalid_request */
function drainMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (ms >= 1 && ms <= MAX_DRAIN_MS) return ms;
  throw new GatewayError(
    "invalid_request",
    `--drain-timeout-ms must be a number of milliseconds from 1 to ${MAX_DRAIN_MS}`,
  );
}

/** @throws ConfigFault that names the setting. */
async function upstreamOf(
  settings: Settings,
  io: Io,
  flags: UpstreamFlags,
): Promise<UpstreamSettings> {
  const { resolveUpstream } = await import("../upstream/resolve.ts");
  const resolved = resolveUpstream({
    flags,
    section: settings.config.sallyport.upstream,
    environment: io.env,
    hooksToken: settings.hooks?.token.secret,
  });
  if (!resolved.ok) {
    const { configPath: file } = settings;
    throw new ConfigFault({ reason: "invalid", file, issues: [resolved.error] });
  }
  if (resolved.value.translate === "none") return { ...resolved.value, deviceSecret: undefined };
  const { generatedCredential } = await import("../config/credential.ts");
  const devices = await generatedCredential(settings.stateDir, "upstream-devices");
  if (!devices.ok) throw new ConfigFault(devices.error);
  return { ...resolved.value, deviceSecret: devices.value.secret };
}

/** Resolves when the edge lets people through to us, or there is no more point in it. */
async function serving(tunnel: Tunnel, stop: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (tunnel.state.connected || stop.aborted) resolve();
    tunnel.onChange((state) => {
      if (state.connected) resolve();
    });
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  if (stop.aborted) return;
  // Asked after our tokens were sent, so they have arrived with the answer. One that fails says
  // that the connection is gone already; it will come back, and is worth no word here.
  await tunnel.request(undefined, "GET", "/state").catch(() => undefined);
}

function readyText(edge: EdgeSettings, upstream: UpstreamSettings): string {
  return `${edge.url} now leads to ${upstream.url.origin}; sallyport token prints what opens it`;
}

/** For the program that started us: where we are, and where to find what opens us. */
function readyLine(
  edge: EdgeSettings,
  upstream: UpstreamSettings,
  { gateway, hooks }: Settings,
  io: Io,
): string {
  return JSON.stringify({
    event: "ready",
    pid: io.pid,
    edge: edge.url,
    upstream: upstream.url.origin,
    token: sourceOf(gateway.token, "OPENCLAW_GATEWAY_TOKEN"),
    hooks: hooks === undefined ? null : sourceOf(hooks.token, ""),
  });
}

import { execFile } from "node:child_process";
import { hostname, userInfo } from "node:os";
import { setFlagsFromString } from "node:v8";
import type { Environment } from "../../process/place.ts";
import type { Io } from "../io.ts";
import type { ServeOptions } from "../options.ts";
import { type Reachable, serveBanner, serveReadyLine } from "../print.ts";
import { LogSink } from "../../terminal/log-sink.ts";
import { isSelfSigned } from "./certificate.ts";
import { EdgeServer, type Serving } from "./serve.ts";

/** `sallyport edge serve`: until told to stop. @returns The exit code. @throws Failure */
export async function runServe(options: ServeOptions, io: Io): Promise<number> {
  const logs = new LogSink({ raw: options.json, write: io.log(options.json), now: Date.now });
  const server = new EdgeServer(options, logs);
  io.onStop(
    () => void server.stop().then(() => notify(io.env, ["--stopping"])),
    () => server.kill(),
  );
  if (options.tls !== undefined) io.onReload(() => server.reload());
  try {
    const serving = await server.start();
    if (serving === undefined) return 0;
    announce(serving, options, io);
    logs.open();
    // For a small machine: left alone, the young generation grows under load and never shrinks.
    setFlagsFromString("--semi-space-growth-factor=1");
    setFlagsFromString("--optimize-for-size");
    notify(io.env, ["--ready", "--status=Serving"]);
    return await server.ended();
  } finally {
    await server.stop();
  }
}

function announce(serving: Serving, options: ServeOptions, io: Io): void {
  const { port, runtimePid, pairing, certificate } = serving;
  const { storageDir: storage, tls, json, host } = options;
  const url = options.publicUrl ?? ownUrl(options, port);
  const ready = { url, port, pid: io.pid, runtimePid, storage, pairingFile: pairing.path };
  if (json) {
    io.out(serveReadyLine(ready));
    return;
  }
  const reachable: Reachable = {
    url,
    pairingFile: pairing.path,
    host: `${userInfo().username}@${hostname()}`,
    trustFile: certificate !== undefined && isSelfSigned(certificate) ? tls?.certFile : undefined,
  };
  io.out(serveBanner(ready, reachable));
  if (tls === undefined && !isLoopback(host)) {
    io.err(
      `warning: ${url} is not encrypted and reachable from other machines: put a TLS proxy in front, or use --tls-cert and --tls-key`,
    );
  }
}

function ownUrl({ host, tls }: ServeOptions, port: number): string {
  const shown = host === undefined || host === "0.0.0.0" || host === "::" ? hostname() : host;
  const scheme = tls === undefined ? "http" : "https";
  const standard = port === (tls === undefined ? 80 : 443);
  const authority = shown.includes(":") ? `[${shown}]` : shown;
  return `${scheme}://${authority}${standard ? "" : `:${port}`}`;
}

function isLoopback(host: string | undefined): boolean {
  return host === "localhost" || host === "::1" || (host?.startsWith("127.") ?? false);
}

/** Node has no datagram sockets to say it with; without systemd there is nobody to tell. */
function notify(env: Environment, args: readonly string[]): void {
  const { NOTIFY_SOCKET, PATH } = env;
  if (NOTIFY_SOCKET === undefined) return;
  execFile("systemd-notify", [...args], { env: { NOTIFY_SOCKET, PATH } }, () => {});
}

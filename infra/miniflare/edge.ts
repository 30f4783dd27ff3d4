import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Secret } from "../../shared/secret.ts";
import { type Child, eachLine, killGroup, watchExit } from "../process/child.ts";
import { type EdgeFailure, FromEdgeHost, type StartEdge, type ToEdgeHost } from "./messages.ts";
import type { Environment } from "../process/place.ts";

export interface EdgeReady {
  readonly port: number;
}

export interface EdgeSettings {
  readonly port: number;
  readonly storageDir: string;
  readonly pairing: Secret;
  readonly sealKey: Secret;
  readonly env: Environment;
  /** One line of the edge's log or of its runtime. */
  readonly onLine: (line: string) => void;
  readonly onFailure: (failure: EdgeFailure) => void;
}

/** All the edge's host needs of our environment: no key of a model has business there. */
const PASSED_ON = ["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR"];

/** Starts the process in which the local edge runs. */
export function startEdge(settings: EdgeSettings): Child<EdgeReady> {
  const child = fork(fileURLToPath(new URL("./host.ts", import.meta.url)), {
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: Object.fromEntries(PASSED_ON.map((name) => [name, settings.env[name]])),
  });
  const { promise, resolve } = Promise.withResolvers<EdgeReady | undefined>();
  child.on("message", (message) => {
    const report = FromEdgeHost.parse(message);
    if (report.type === "ready") resolve({ port: report.port });
    else settings.onFailure(report);
  });
  for (const end of ["error", "exit"]) child.once(end, () => resolve(undefined));
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) eachLine(stream, settings.onLine);
  }
  const tell = (message: ToEdgeHost): void => {
    // A host that is gone is told nothing; its exit says so.
    if (child.connected) child.send(message, () => {});
  };
  const start: StartEdge = {
    type: "start",
    port: settings.port,
    storageDir: settings.storageDir,
    pairing: settings.pairing.reveal(),
    sealKey: settings.sealKey.reveal(),
  };
  tell(start);
  return {
    pid: child.pid ?? 0,
    ready: promise,
    exited: watchExit(child, promise),
    stop: () => tell({ type: "stop" }),
    kill: () => child.pid !== undefined && killGroup(child.pid),
  };
}

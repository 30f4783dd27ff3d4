import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { jsonOrUndefined } from "../../shared/json.ts";
import type { Secret } from "../../shared/secret.ts";
import { type Child, eachLine, killGroup, watchExit } from "../process/child.ts";
import { CoreReady } from "./core-ready.ts";
import type { Environment } from "../process/place.ts";

export interface CoreSettings {
  /** The checkout. */
  readonly root: string;
  readonly env: Environment;
  /** The port of the run before; undefined lets environment and config decide. */
  readonly port: number | undefined;
  readonly edgeUrl: string;
  readonly pairing: Secret;
  /** One line of the core's log. */
  readonly onLine: (line: string) => void;
}

/** Starts the core, on the Node that runs us. */
export function startCore(settings: CoreSettings): Child<CoreReady> {
  const { root, port, onLine } = settings;
  const child = spawn(process.execPath, [join(root, "core", "sallyport.mjs"), "gateway"], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      // Before it runs its first line, which is too late to spare it compiling its own entry.
      NODE_COMPILE_CACHE: compileCache(settings.env),
      ...settings.env,
      ...(port === undefined ? {} : { OPENCLAW_GATEWAY_PORT: String(port) }),
      SALLYPORT_EDGE_URL: settings.edgeUrl,
      SALLYPORT_EDGE_PAIRING: settings.pairing.reveal(),
    },
  });
  const { promise, resolve } = Promise.withResolvers<CoreReady | undefined>();
  for (const end of ["error", "exit"]) child.once(end, () => resolve(undefined));
  if (child.stderr !== null) eachLine(child.stderr, onLine);
  if (child.stdout !== null) {
    eachLine(child.stdout, (line) => {
      const ready = CoreReady.safeParse(jsonOrUndefined(line));
      if (ready.success) resolve(ready.data);
    });
  }
  return {
    pid: child.pid ?? 0,
    ready: promise,
    exited: watchExit(child, promise),
    stop: () => void child.kill("SIGTERM"),
    kill: () => child.pid !== undefined && killGroup(child.pid),
  };
}

/** The folder that the core would choose by itself. */
function compileCache(env: Environment): string {
  return join(env["XDG_CACHE_HOME"] || join(env["HOME"] ?? homedir(), ".cache"), "sallyport");
}

import { createInterface } from "node:readline";
import { Log, LogLevel, Miniflare } from "miniflare";
import { inject } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { startFront } from "../../infra/miniflare/front.ts";
import { type LocalEdge, miniflareOptions, readWrangler } from "../../infra/cloudflare/settings.ts";

export interface EdgeOptions extends Omit<LocalEdge, "scriptPath" | "port"> {
  /** Default: the bundle of this test run. */
  readonly scriptPath?: string;
  /** Default: any free one. */
  readonly port?: number;
  /** One line the Worker or the relay logged. */
  readonly onLine?: (line: string) => void;
}

export interface RunningEdge extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/` */
  readonly url: URL;
  readonly miniflare: Miniflare;
}

/** The same for all edges of a test: one that starts again finds what it has sealed. */
const sealKey = randomToken();

/** The bundled Worker with its relay, as deployed, in the real runtime on a loopback port. */
export async function startEdge(options: EdgeOptions = {}): Promise<RunningEdge> {
  const { scriptPath = inject("edgeBundle"), port = 0, onLine = () => {}, ...rest } = options;
  const bindings = { SEAL_KEY: sealKey, ...rest.bindings };
  await using parts = new AsyncDisposableStack();
  const miniflare = new Miniflare({
    ...miniflareOptions(await readWrangler(), { scriptPath, port: 0, ...rest, bindings }),
    log: new Log(LogLevel.NONE),
    handleRuntimeStdio: (stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream) => {
      for (const stream of [stdout, stderr]) eachLine(stream, onLine);
    },
  });
  parts.defer(() => miniflare.dispose());
  const target = Number((await miniflare.ready).port);
  const front = parts.use(await startFront({ host: "127.0.0.1", port, target }));
  const started = parts.move();
  return {
    url: new URL(`http://127.0.0.1:${front.port}/`),
    miniflare,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  createInterface({ input: stream }).on("line", onLine);
}

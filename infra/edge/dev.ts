import { Failure } from "../process/failure.ts";
import type { Io } from "./io.ts";
import type { DevOptions } from "./options.ts";
import { connectText } from "./print.ts";
import type { EdgeFailure } from "../miniflare/messages.ts";
import { startEdge } from "../miniflare/edge.ts";
import { edgeFailureText } from "../miniflare/failure-text.ts";
import { LogSink } from "../terminal/log-sink.ts";
import { tellRestarts } from "../terminal/tell-restarts.ts";
import { openStateDir } from "../miniflare/state-dir.ts";
import { supervise } from "../process/supervise.ts";

const STOP_MS = 6_000;

/**
 * `sallyport edge dev`: the edge of `npm start` without its core, until told to stop.
 *
 * @returns The exit code.
 * @throws Failure
 */
export async function runDev({ port, stateDir, json }: DevOptions, io: Io): Promise<number> {
  const state = await openStateDir(stateDir);
  if (!state.ok) throw new Failure(state.error);
  const { edgeDir: storageDir, pairing, sealKey } = state.value;
  const pairingFile = pairing.path;
  const logs = new LogSink({ raw: json, write: io.log(json), now: Date.now });
  let failure: EdgeFailure | undefined;
  const edge = supervise(
    (previous: { readonly port: number } | undefined) =>
      startEdge({
        port: previous?.port ?? port,
        storageDir,
        pairing: pairing.secret,
        sealKey,
        env: io.env,
        onLine: (line) => logs.take(line),
        onFailure: (reported) => {
          failure = reported;
        },
      }),
    tellRestarts("edge", logs),
  );
  let stopped = false;
  io.onStop(
    () => {
      stopped = true;
      void edge.stop(STOP_MS);
    },
    () => edge.kill(),
  );
  const ready = await edge.ready;
  if (stopped) return edge.ended;
  if (ready === undefined) {
    throw new Failure(edgeFailureText(failure, stateDir, logs.lastError ?? "it gave no reason"));
  }
  const url = `http://127.0.0.1:${ready.port}`;
  const facts = { event: "ready", url, port: ready.port, pid: io.pid, pairingFile };
  const text = `\nThe edge is running.\n\n  URL       ${url}\n\n${connectText({ url, pairingFile })}\nCtrl-C stops it.\n\n`;
  io.out(json ? `${JSON.stringify(facts)}\n` : text);
  logs.open();
  return edge.ended;
}

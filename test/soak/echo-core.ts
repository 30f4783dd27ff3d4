/**
 * A core of its own process that answers each message of a client with itself and how often that
 * client has been answered, over all cores. One argument, as JSON.
 */
import { pino } from "pino";
import * as z from "zod";
import { startTunnel } from "../../core/tunnel/dial.ts";
import type { Upgrade } from "../../core/tunnel/handlers.ts";
import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { Secret } from "../../shared/secret.ts";

const Options = z.object({
  edge: z.url(),
  pairing: z.string(),
  stateDir: z.string(),
  store: z.string(),
  epoch: z.int(),
  bundle: EdgeBundle,
});

const { edge, pairing, stateDir, store, epoch, bundle } = Options.parse(
  JSON.parse(process.argv[2] ?? "null"),
);
const settings = {
  edge: new URL(edge),
  pairing: new Secret(pairing),
  version: "0.0.0-soak",
  stateDir,
};
const log = pino({ level: "warn" }, pino.destination(2));
const tunnel = await startTunnel(settings, log);
tunnel.lead(
  {
    fetch: () => Promise.resolve(new Response("hello")),
    upgrade: () => Promise.resolve(counting("0")),
    reattach: (_request, _caller, kept) => Promise.resolve(counting(kept || "0")),
    deliver: () => Promise.resolve("committed"),
    bundle: () => bundle,
  },
  { store, epoch },
);

function counting(kept: string): Upgrade {
  return {
    accepted: true,
    protocol: undefined,
    survives: true,
    take(socket) {
      let count = Number(kept);
      socket.listen({
        onMessage(message, receipt) {
          count += 1;
          socket.keep(String(count));
          receipt.answer(`${count}:${String(message)}`);
        },
        onClose: () => undefined,
      });
    },
  };
}

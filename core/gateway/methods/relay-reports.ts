import * as z from "zod";
import type { Tunnel } from "../../tunnel/handlers.ts";

/** Answer to `GET /state`: what we read of it. The rest goes on to people as it came. */
export const RelayReport = z.looseObject({
  cores: z.array(z.looseObject({ instance: z.string(), mode: z.string(), leads: z.boolean() })),
  /** Client WebSockets. */
  sockets: z.number(),
  /** Webhooks that wait for a core. */
  spooled: z.number(),
  /** Unix ms. */
  oldestSpooledAt: z.number().nullish(),
  awakeMs: z.number(),
  /** How often it woke, by cause. */
  wakes: z.record(z.string(), z.number()),
});
export type RelayReport = z.output<typeof RelayReport>;

/** What relays said of themselves. Asking wakes them, so only people ask; everybody else reads. */
export class RelayReports {
  readonly #tunnel: () => Tunnel | undefined;

  constructor(tunnel: () => Tunnel | undefined) {
    this.#tunnel = tunnel;
  }

  /** By the name of the relay, as it last said of itself: once a minute while it is awake. */
  last(): ReadonlyMap<string, RelayReport> {
    const relays = this.#tunnel()?.relays ?? [];
    return new Map(
      relays.flatMap(({ name, stats }) => {
        const report = RelayReport.safeParse(stats);
        return report.success ? [[name, report.data] as const] : [];
      }),
    );
  }

  /** Asks every relay that is connected. One that gives no answer is left out. */
  async ask(): Promise<ReadonlyMap<string, RelayReport>> {
    const tunnel = this.#tunnel();
    const connected = tunnel?.relays.filter((relay) => relay.connected) ?? [];
    const fresh = await Promise.all(
      connected.map(async ({ name }) => {
        // What goes wrong here shows in the state of the relay itself, which stands beside this.
        const answer = await tunnel?.request(name, "GET", "/state").catch(() => undefined);
        const report = RelayReport.safeParse(answer?.body);
        return report.success ? ([[name, report.data]] as const) : [];
      }),
    );
    return new Map(fresh.flat());
  }
}

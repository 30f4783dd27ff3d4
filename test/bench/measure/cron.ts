import * as z from "zod";
import { GatewayLink } from "../load/gateway-link.ts";
import { median } from "../stats.ts";
import type { Findings } from "../table.ts";
import type { World } from "../world.ts";

/** From adding a job to the time it is due: long enough for the clock to be set in between. */
const AHEAD_MS = 400;

const Added = z.object({ id: z.string() });
const Event = z.object({ jobId: z.string(), action: z.string() });

/** How late what is to happen at a time does happen. */
export async function measureCron(world: World): Promise<Findings> {
  const { port, token } = await world.core();
  using link = await GatewayLink.open(port, token);
  const lateMs: number[] = [];
  for (let round = 0; round < (world.quick ? 3 : 20); round += 1) lateMs.push(await lateness(link));
  return {
    rows: [
      {
        what: `cron: a job is due → a client hears that it has begun: median of ${lateMs.length}`,
        measured: { value: median(lateMs), unit: "ms" },
      },
      { what: "the same: worst", measured: { value: Math.max(...lateMs), unit: "ms" } },
    ],
  };
}

async function lateness(link: GatewayLink): Promise<number> {
  const dueAt = Date.now() + AHEAD_MS;
  const { id } = Added.parse(
    await link.call("cron.add", {
      name: "bench",
      schedule: { kind: "at", at: new Date(dueAt).toISOString() },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "How do you do?" },
      delivery: { mode: "none" },
    }),
  );
  const of = (action: string) => (payload: unknown) => {
    const { data } = Event.safeParse(payload);
    return data?.jobId === id && data.action === action;
  };
  const finished = link.heard("cron", of("finished"));
  await link.heard("cron", of("started"));
  const lateMs = Date.now() - dueAt;
  await finished;
  return lateMs;
}

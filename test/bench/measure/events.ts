import { interleave, median, quantile } from "../stats.ts";
import { atLeast, atMost, type Findings } from "../table.ts";
import { bearer, type World } from "../world.ts";

const COUNT = 200;
const EVERY_MS = 10;
const MAX_ADDED_MS = 20;

/** How much later a word arrives because it came through the edge. */
export async function measureEvents(world: World): Promise<Findings> {
  const { port, token, edge } = await world.tunnelEnd();
  const path = `/events?count=${COUNT}&everyMs=${EVERY_MS}`;
  const { through, direct } = await interleave(world.quick ? 1 : 5, {
    through: () => world.events(bearer(edge.port, path, token)),
    direct: () => world.events(bearer(port, path, token)),
  });
  const [late, soon] = [through, direct].map((runs) => runs.flatMap(({ delaysMs }) => delaysMs));
  const at = (fraction: number) => {
    const [ours, theirs] = [quantile(late ?? [], fraction), quantile(soon ?? [], fraction)];
    return {
      measured: { value: ours, unit: "ms" },
      peer: { value: theirs, unit: "ms", name: "core's own port" },
      added: ours - theirs,
    };
  };
  const [middle, tail] = [at(0.5), at(0.99)];
  const lead = median(through.map(({ leadMs }) => leadMs));
  const { added: _, ...p50 } = middle;
  const { added, ...p99 } = tail;
  return {
    rows: [
      { what: "SSE through the edge, from sending to arrival: p50", ...p50 },
      {
        what: "SSE through the edge, from sending to arrival: p99",
        ...p99,
        budget: atMost(added, MAX_ADDED_MS, `${MAX_ADDED_MS} ms added`),
      },
      {
        what: "SSE: from the first arrival to the sending of the last",
        measured: { value: lead, unit: "ms" },
        budget: atLeast(lead, 0, "0: the first does not wait for the last"),
      },
    ],
    notes: [
      `SSE: ${COUNT} events ${EVERY_MS} ms apart. Sent and received are read off one clock, the machine's monotonic one.`,
    ],
  };
}

import type { RequestsResult } from "../load/task.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import type { Findings } from "../table.ts";
import type { World } from "../world.ts";

/** How long a client of the WebSocket protocol waits for an answer, and for the end of a chat. */
export async function measureRpc(world: World): Promise<Findings> {
  const { port, token } = await world.core();
  const bare = await world.bareRpc();
  const forMs = world.quick ? 300 : 1_500;
  const { calls, floor, chats } = await interleave(world.quick ? 3 : 7, {
    calls: () => world.calls({ port, token, method: "health", forMs }),
    floor: () => world.calls({ port: bare.port, token, method: "health", forMs }),
    chats: () => world.chats({ port, token, forMs }),
  });
  const [ours, theirs] = [calls.map(p50), floor.map(p50)];
  return {
    rows: [
      {
        what: "RPC: health over a WebSocket: p50",
        measured: { value: median(ours), unit: "ms" },
        peer: { value: median(theirs), unit: "ms", name: "bare ws" },
        ratio: pairedRatio(ours, theirs),
      },
      {
        what: "RPC: chat.send → its final event: p50",
        measured: { value: median(chats.map(p50)), unit: "ms" },
      },
      {
        what: "RPC: chats one after another in one session",
        measured: { value: median(chats.map(({ count, seconds }) => count / seconds)), unit: "/s" },
      },
    ],
    notes: [
      "RPC: one client at the core's own port, one call after another. Bare ws: says yes to whatever it is asked.",
    ],
  };
}

function p50({ p50Ms }: RequestsResult): number {
  return p50Ms;
}

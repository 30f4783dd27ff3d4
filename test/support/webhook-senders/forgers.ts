/** Webhooks signed by somebody who does not know the secret, many of them. */
import type { Sender, Sent } from "./sender.ts";
import { attempt } from "./trial.ts";

const AT_ONCE = 40;

export interface Forger {
  readonly url: string;
  readonly sent: Sent;
}

/** One of each sender; good as forgeries for as long as a signature is not too old. */
export function forgersOf(senders: readonly Sender[], edge: URL): Promise<Forger[]> {
  return Promise.all(
    senders.map(async (sender) => {
      const { href } = new URL(`/hooks/${sender.name}`, edge);
      return { url: href, sent: await sender.send(1, attempt(href, { key: "stranger" })) };
    }),
  );
}

/** Sends so many, in turns. @returns How often each status was the answer. */
export async function flood(
  forgers: readonly Forger[],
  count: number,
): Promise<ReadonlyMap<number, number>> {
  const statuses = new Map<number, number>();
  const client = async (first: number): Promise<void> => {
    for (let number = first; number < count; number += AT_ONCE) {
      const one = forgers[number % forgers.length];
      if (one === undefined) throw new RangeError("nobody to send it");
      const { method, headers, body } = one.sent;
      const response = await fetch(one.url, { method, headers, body });
      await response.arrayBuffer();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => client(first)));
  return statuses;
}

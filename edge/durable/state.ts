import type { Clients } from "./clients.ts";
import type { Cores } from "./cores.ts";
import type { Diary } from "./diary.ts";
import type { Webhooks } from "./webhooks.ts";

interface Parts {
  readonly cores: Cores;
  readonly clients: Clients;
  readonly webhooks: Webhooks;
  readonly diary: Diary;
  readonly now: number;
  /** For STATS, which must be short. */
  readonly brief: boolean;
}

/** Answer to `GET /state`: how the relay is, for people and metrics. */
export function relayState({ cores, clients, webhooks, diary, now, brief }: Parts): object {
  const links = cores.all();
  const [first] = links;
  const [region = "", generation = ""] = first?.attachment.relay.split(":") ?? [];
  return {
    relay: first?.attachment.relay ?? "",
    colo: first?.attachment.colo ?? "",
    region,
    generation,
    cores: links.map((link) => {
      const { instance, acceptedAt, greeting } = link.attachment;
      return {
        instance,
        mode: greeting?.mode ?? "leader",
        epoch: greeting?.epoch ?? null,
        leads: cores.leads(link),
        since: acceptedAt,
        version: greeting?.version ?? "",
        requests: link.session.requests,
        sockets: clients.countOf(link),
      };
    }),
    sockets: clients.count,
    spooled: webhooks.waiting,
    oldestSpooledAt: webhooks.oldestAt ?? null,
    webhooks: webhooks.state(brief),
    awakeMs: diary.awakeMs(now),
    wakes: diary.wakes,
    bufferedBytes:
      clients.heldBytes + links.reduce((sum, link) => sum + link.session.bufferedBytes, 0),
  };
}

import { GoAwayCode } from "../../shared/tunnel/frame.ts";
import type { Clients } from "./clients.ts";
import type { CoreLink } from "./core-link.ts";
import type { CoreRequests } from "./core-service.ts";
import type { Cores } from "./cores.ts";
import type { Diary } from "./diary.ts";
import type { Registry } from "./registry.ts";
import { relayState } from "./state.ts";
import type { Webhooks } from "./webhooks.ts";

export interface RequestParts {
  readonly cores: Cores;
  readonly clients: Clients;
  readonly registry: Registry;
  readonly webhooks: Webhooks;
  readonly diary: Diary;
}

/** What the core at the end of `link` may ask for, and what becomes of it. */
export function requestsOf(link: CoreLink, parts: RequestParts): CoreRequests {
  const { clients, cores, registry } = parts;
  return {
    async publish(bundle) {
      if (!cores.leads(link)) return "not_leader";
      const refused = await registry.publish(bundle);
      if (refused === undefined) clients.revoke((digest) => registry.accepts(digest));
      return refused;
    },
    lead: (store, epoch) => cores.lead(link, store, epoch),
    state: () => relayState({ ...parts, now: Date.now(), brief: false }),
    spool: (request) => parts.webhooks.asked(request, cores.leads(link)),
    keys: () => ({
      keys: registry.keys().map(({ kid, publicKey, addedAt }) => ({
        kid,
        publicKey,
        addedAt,
        self: kid === link.attachment.kid,
      })),
    }),
    addKey(key) {
      const added = registry.addKey(key, Date.now());
      return added.ok ? undefined : "two keys are live already: revoke one first";
    },
    revokeKey(kid) {
      const revoked = registry.revokeKey(kid);
      if (!revoked.ok) return revoked.error;
      // The answer to whoever asked must leave before its own connection is cut.
      queueMicrotask(() => queueMicrotask(() => cores.revoke(kid, GoAwayCode.revoked)));
      return undefined;
    },
  };
}

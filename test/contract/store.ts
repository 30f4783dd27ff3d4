import { describe } from "vitest";
import { describeCron } from "./store/cron.ts";
import { describeDurability } from "./store/durability.ts";
import { describeInbox } from "./store/inbox.ts";
import { describeLease } from "./store/lease.ts";
import { describeOutbox } from "./store/outbox.ts";
import { describeNamedSessions } from "./store/named-sessions.ts";
import { describeRandomWork } from "./store/random-work.ts";
import { describeRuns } from "./store/runs.ts";
import { describeResponses } from "./store/responses.ts";
import { describeSessionLists } from "./store/session-lists.ts";
import { describeSessions } from "./store/sessions.ts";
import { describeUsage } from "./store/usage.ts";
import { describeWebhookDurability } from "./store/webhook-durability.ts";
import { describeWebhooks } from "./store/webhooks.ts";
import type { StoreMaker } from "./store/world.ts";

/**
 * Every promise of the port `core/store/store.ts`; each adapter passes all of it.
 *
 * @param make - Opens the adapter on a state folder of its own, in this process and in others.
 */
export function describeStore(name: string, make: StoreMaker): void {
  describe(`${name} store`, () => {
    describeInbox(make);
    describeOutbox(make);
    describeSessions(make);
    describeNamedSessions(make);
    describeSessionLists(make);
    describeRuns(make);
    describeResponses(make);
    describeRandomWork(make);
    describeDurability(make);
    describeLease(make);
    describeCron(make);
    describeUsage(make);
    describeWebhooks(make);
    describeWebhookDurability(make);
  });
}

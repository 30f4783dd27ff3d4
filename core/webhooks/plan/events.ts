/** What a webhook is once its sender is known: its events, by the names edge and core know them by. */
import { deliveryOf, type NamedDelivery } from "../../../shared/ingress/items.ts";
import type { ReceivedWebhook, WebhookItem } from "../../../shared/ingress/scheme.ts";
import type { NamedEvent } from "./plan.ts";
import type { DeskRoute } from "../route-table.ts";
import type { Verified } from "../verified.ts";

export interface Named {
  readonly id: string;
  readonly events: readonly NamedEvent[];
}

/**
 * Names the events of a webhook. Without events: there is nothing to do.
 *
 * @param given - As it came: with items if the edge has named them, or as a replay.
 * @returns Undefined for a body that this sender does not send.
 */
export async function nameEvents(
  route: DeskRoute,
  webhook: ReceivedWebhook,
  given: Pick<Verified, "id" | "items" | "replay">,
): Promise<Named | undefined> {
  const { id, items, replay } = given;
  const read = await route.scheme.identify(webhook);
  // The edge, or an earlier version of us, could make sense of it.
  if (!read.ok) return items.length > 0 || replay !== undefined ? asOne(given, route) : undefined;
  if (read.value.length === 0) return { id, events: [] };
  if (replay !== undefined) return { id, events: renamed(id, read.value) };
  const named =
    items.length > 0 ? { id, items: [...items] } : await deliveryOf(route, read.value, webhook);
  return { id: named.id, events: joined(named, read.value) };
}

/** Edge and core read the same body by the same rules, so the events have the same order. */
function joined({ items }: NamedDelivery, read: readonly WebhookItem[]): NamedEvent[] {
  if (items.length !== read.length) {
    // Too many to be named one by one on the way: each still has the name its sender gave it.
    return read.map(({ id, lane, value }) => ({ id, lane, value }));
  }
  return items.map(({ id, lane }, index) => ({ id, lane, value: read[index]?.value }));
}

/** All of a replay are new, whatever their sender calls them. */
function renamed(id: string, read: readonly WebhookItem[]): NamedEvent[] {
  return read.map(({ lane, value }, index) => ({
    id: read.length === 1 ? id : `${id}/${index}`,
    lane,
    value,
  }));
}

function asOne({ id, items }: Pick<Verified, "id" | "items">, { name }: DeskRoute): Named {
  const [first] = items;
  const event = { id: first?.id ?? id, lane: first?.lane ?? name, value: undefined };
  return { id, events: [event] };
}

import * as z from "zod/mini";
import { sha256 } from "./crypto.ts";
import type { SenderEvent } from "./items.ts";
import { orUndefined } from "./or-undefined.ts";
import { senderJson } from "./sender-json.ts";

const Maybe = orUndefined(z.string().check(z.minLength(1)));

/** What Bot Framework posts, as far as it is read at the door. */
const Activity = z.object({
  type: z.string().check(z.minLength(1)),
  id: Maybe,
  channelId: Maybe,
  serviceUrl: Maybe,
  deliveryMode: Maybe,
  conversation: orUndefined(z.object({ id: Maybe })),
});
export type Activity = z.output<typeof Activity>;

/** Undefined for a body that is no activity. */
export function readActivity(body: Uint8Array): Activity | undefined {
  return Activity.safeParse(senderJson(body)).data;
}

/** Ids of activities are unique within their conversation; some kinds have none. */
export async function activityEvent(
  { id, conversation }: Activity,
  body: Uint8Array<ArrayBuffer>,
): Promise<SenderEvent> {
  const thread = conversation?.id;
  const own = id === undefined ? await sha256(body) : `${thread ?? ""}:${id}`;
  return { id: own, conversation: thread };
}

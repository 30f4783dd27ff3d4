import * as z from "zod/mini";
import { err, ok } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { itemsOf, type SenderEvent } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { Scheme } from "../scheme.ts";
import { hashOf, senderJson } from "../sender-json.ts";
import { signedBy, type SigningRule } from "../signature.ts";

export const LINE_RULE: SigningRule = {
  algorithm: "sha256",
  encoding: "base64",
  secretEncoding: "text",
  headers: ["x-line-signature"],
  signed: "{body}",
};

const Id = orUndefined(z.string().check(z.minLength(1)));
/** What is read of an event; the event itself goes on as it came. */
const Named = z.object({
  webhookEventId: Id,
  source: orUndefined(z.object({ groupId: Id, roomId: Id, userId: Id })),
});
const Envelope = z.looseObject({ events: z.array(z.looseObject({})) });

/**
 * LINE: many events in one request, each with an id of its own. The console tests an address with
 * no events at all.
 *
 * Source: https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/
 */
export const line: Scheme<"line"> = {
  maxBodyBytes: 1024 * 1024,

  ...signedBy(() => LINE_RULE),

  async identify(_settings, { route, body }) {
    const envelope = Envelope.safeParse(senderJson(body));
    if (!envelope.success) return err({ reason: "malformed" });
    const events = envelope.data.events.map((event) => eventOf(envelope.data, event));
    return ok(await itemsOf(route, await Promise.all(events)));
  },

  accepted: emptyAnswer,
};

async function eventOf(envelope: z.output<typeof Envelope>, event: unknown): Promise<SenderEvent> {
  const { webhookEventId, source } = Named.parse(event);
  return {
    id: webhookEventId ?? (await hashOf(event)),
    conversation: source?.groupId ?? source?.roomId ?? source?.userId,
    value: envelope.events.length === 1 ? undefined : { ...envelope, events: [event] },
  };
}

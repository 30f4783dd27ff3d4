/**
 * The events in one webhook of Meta, each with the envelope around it. Meta puts what happens in a
 * second or so into one request, and may put it together otherwise when it tries again: so ids are
 * those of the events, never of the request.
 */
import * as z from "zod/mini";
import type { SenderEvent } from "./items.ts";
import { whatsAppEvents } from "./meta-whatsapp.ts";
import { orUndefined } from "./or-undefined.ts";
import { hashOf } from "./sender-json.ts";

const Id = orUndefined(
  z.union([z.string().check(z.minLength(1)), z.pipe(z.number(), z.transform(String))]),
);
const Part = z.looseObject({});
type Part = z.output<typeof Part>;

const Entry = z.looseObject({
  changes: z.optional(z.array(Part)),
  messaging: z.optional(z.array(Part)),
  standby: z.optional(z.array(Part)),
});
type Entry = z.output<typeof Entry>;
const Envelope = z.looseObject({ object: z.string(), entry: z.array(Entry) });

const Mid = z.object({ mid: z.string().check(z.minLength(1)) });
const Watermark = z.object({ watermark: z.number() });
const Messaging = z.object({
  sender: orUndefined(z.object({ id: Id })),
  recipient: orUndefined(z.object({ id: Id })),
  message: orUndefined(z.extend(Mid, { is_echo: orUndefined(z.boolean()) })),
  postback: orUndefined(Mid),
  read: orUndefined(z.union([Mid, Watermark])),
});
const Change = z.object({
  field: orUndefined(z.string()),
  value: orUndefined(z.object({ id: Id, from: orUndefined(z.object({ id: Id })) })),
});

/** Undefined for what is no webhook of Meta. */
export async function metaEvents(body: unknown): Promise<SenderEvent[] | undefined> {
  const envelope = Envelope.safeParse(body);
  if (!envelope.success) return undefined;
  const isWhatsApp = envelope.data.object === "whatsapp_business_account";
  const inEntries = await Promise.all(
    envelope.data.entry.map(async (entry) => {
      const events = await (isWhatsApp ? changesOfWhatsApp(entry) : eventsOf(entry));
      return events.map((event) => ({
        ...event,
        value: { ...envelope.data, entry: [event.value] },
      }));
    }),
  );
  const events = inEntries.flat();
  // What holds one event is that event as it came.
  return events.length === 1 ? events.map((event) => ({ ...event, value: undefined })) : events;
}

async function changesOfWhatsApp(entry: Entry): Promise<SenderEvent[]> {
  const { changes = [], ...around } = entry;
  const events = await Promise.all(changes.map((change) => whatsAppEvents(entry["id"], change)));
  return events.flat().map((event) => ({ ...event, value: { ...around, changes: [event.value] } }));
}

/** Pages, Instagram accounts and everything else there is: messages, and changes of fields. */
async function eventsOf(entry: Entry): Promise<SenderEvent[]> {
  const { changes, messaging, standby, ...around } = entry;
  if ((changes ?? messaging ?? standby) === undefined) return [await wholeEntry(entry)];
  const parts = [
    ...(messaging ?? []).map((part) => messagingEvent(around, "messaging", part)),
    ...(standby ?? []).map((part) => messagingEvent(around, "standby", part)),
    ...(changes ?? []).map((part) => changeEvent(around, part)),
  ];
  return Promise.all(parts);
}

async function wholeEntry(entry: Entry): Promise<SenderEvent> {
  return { id: await hashOf(entry), conversation: idOf(entry), value: entry };
}

async function messagingEvent(
  around: Part,
  list: "messaging" | "standby",
  part: Part,
): Promise<SenderEvent> {
  const named = Messaging.parse(part);
  const account = idOf(around);
  const person = named.message?.is_echo === true ? named.recipient?.id : named.sender?.id;
  const id = messageId(named) ?? (await hashOf([account, part]));
  return {
    // Another app that holds the conversation sees the same message, as a bystander.
    id: list === "standby" ? `standby:${id}` : id,
    conversation: joined(account, person),
    value: { ...around, [list]: [part] },
  };
}

function messageId({
  message,
  postback,
  read,
  sender,
}: z.output<typeof Messaging>): string | undefined {
  if (message !== undefined) return message.mid;
  if (postback !== undefined) return `postback:${postback.mid}`;
  if (read === undefined) return undefined;
  const upTo = "mid" in read ? read.mid : String(read.watermark);
  return `read:${sender?.id ?? ""}:${upTo}`;
}

async function changeEvent(around: Part, part: Part): Promise<SenderEvent> {
  const { value } = Change.parse(part);
  return {
    // The same change can happen again: the time of the entry tells the two apart.
    id: await hashOf([around["id"], around["time"], part]),
    conversation: joined(idOf(around), value?.from?.id),
    value: { ...around, changes: [part] },
  };
}

function idOf(part: Part): string | undefined {
  return Id.parse(part["id"]);
}

function joined(account: string | undefined, person: string | undefined): string | undefined {
  return person === undefined ? account : `${account ?? ""}:${person}`;
}

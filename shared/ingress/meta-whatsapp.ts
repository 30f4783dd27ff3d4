import * as z from "zod/mini";
import type { SenderEvent } from "./items.ts";
import { orUndefined } from "./or-undefined.ts";
import { hashOf } from "./sender-json.ts";

const Text = z.string().check(z.minLength(1));
const Maybe = orUndefined(Text);
const Part = z.looseObject({});
type Part = z.output<typeof Part>;
const List = z.optional(z.array(Part));

/** Lists in which each entry is an event of its own. */
const LISTS = ["messages", "message_echoes", "statuses", "calls"] as const;
type ListName = (typeof LISTS)[number];
/** What is left out of a change but for what belongs to one event. */
const PEOPLED: ReadonlySet<string> = new Set([...LISTS, "contacts"]);

const Value = z.looseObject({
  metadata: orUndefined(z.looseObject({ phone_number_id: Maybe })),
  contacts: orUndefined(z.array(Part)),
  messages: List,
  message_echoes: List,
  statuses: List,
  calls: List,
});
type Value = z.output<typeof Value>;
const Change = z.looseObject({ field: z.string(), value: z.unknown() });

const Named = z.object({
  id: Maybe,
  status: Maybe,
  event: Maybe,
  from: Maybe,
  to: Maybe,
  recipient_id: Maybe,
  from_user_id: Maybe,
  recipient_user_id: Maybe,
});
type Named = z.output<typeof Named>;
const Contact = z.object({ wa_id: Maybe, user_id: Maybe });

/**
 * Events of one change of a WhatsApp account: every message, every step of one that we sent, or the
 * change itself when it is about something else.
 *
 * Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
 */
export async function whatsAppEvents(account: unknown, change: Part): Promise<SenderEvent[]> {
  const parsed = Change.safeParse(change);
  const value = Value.safeParse(parsed.data?.value);
  if (!parsed.success || !value.success) return [await wholeChange(account, change)];
  const people = byPerson(value.data.contacts ?? []);
  const events = LISTS.flatMap((list) =>
    (value.data[list] ?? []).map((part) => partEvent(value.data, people, list, part)),
  );
  // Errors of the account stand beside no message; a field unknown here has no list.
  if (events.length === 0) return [await wholeChange(account, change)];
  return (await Promise.all(events)).map((event) => ({
    ...event,
    value: { ...change, value: event.value },
  }));
}

async function wholeChange(account: unknown, change: Part): Promise<SenderEvent> {
  return {
    id: await hashOf([account, change]),
    conversation: typeof account === "string" ? account : undefined,
    value: change,
  };
}

async function partEvent(
  value: Value,
  people: People,
  list: ListName,
  part: Part,
): Promise<SenderEvent> {
  const named = Named.parse(part);
  const phone = value.metadata?.phone_number_id;
  const person = personOf(list, named);
  return {
    id: idOf(list, named) ?? (await hashOf([phone, list, part])),
    conversation: [phone, person].filter((one) => one !== undefined).join(":"),
    value: { ...reduced(value, people, named), [list]: [part] },
  };
}

function idOf(list: ListName, { id, status, event }: Named): string | undefined {
  if (id === undefined) return undefined;
  // One message is sent, delivered and read, one call begins and ends: each is an event.
  if (list === "statuses") return status === undefined ? undefined : `${id}:${status}`;
  if (list === "calls") return event === undefined ? undefined : `${id}:${event}`;
  return id;
}

/** The other side, whichever of the two wrote. */
function personOf(list: ListName, named: Named): string | undefined {
  if (list === "statuses") return named.recipient_id ?? named.recipient_user_id;
  if (list === "message_echoes") return named.to;
  return named.from ?? named.from_user_id;
}

/** Contacts by the number, or the name, that events know them by. */
type People = ReadonlyMap<string, Part>;

function byPerson(contacts: readonly Part[]): People {
  return new Map(
    contacts.flatMap((contact) => {
      const { wa_id: phone, user_id: user } = Contact.parse(contact);
      return [phone, user].filter((key) => key !== undefined).map((key) => [key, contact] as const);
    }),
  );
}

/** The change without its events, and of its contacts only the one that this event is about. */
function reduced(value: Value, people: People, named: Named): Part {
  const around = without(value, PEOPLED);
  const { contacts } = value;
  if (contacts === undefined) return around;
  const keys = [named.from, named.from_user_id, named.recipient_id, named.recipient_user_id];
  const mine = new Set(keys.flatMap((key) => (key === undefined ? [] : (people.get(key) ?? []))));
  // A single one can only be that person, even if the numbers are written differently.
  return { ...around, contacts: mine.size === 0 && contacts.length === 1 ? contacts : [...mine] };
}

function without(value: Value, names: ReadonlySet<string>): Part {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)));
}

/** What Slack posts, told apart by the signed body alone: headers are not signed. */
import * as z from "zod/mini";
import { concat, fromUtf8, utf8 } from "../bytes.ts";
import { jsonOrUndefined } from "../json.ts";
import { sha256 } from "./crypto.ts";
import type { SenderEvent } from "./items.ts";
import { orUndefined } from "./or-undefined.ts";
import { senderJson } from "./sender-json.ts";

const BRACE = 0x7b;

const Text = z.string().check(z.minLength(1));
const Maybe = orUndefined(Text);
const WithId = orUndefined(z.object({ id: Text }));

const Challenge = z.object({ type: z.literal("url_verification"), challenge: z.string() });

/** Where an event keeps its channel depends on its type. */
const Channel = orUndefined(
  z.union([
    Text,
    z.pipe(
      z.object({ id: Text }),
      z.transform(({ id }) => id),
    ),
  ]),
);
const Event = z.object({
  type: Text,
  team_id: Maybe,
  event_id: Maybe,
  event: orUndefined(
    z.object({
      channel: Channel,
      channel_id: Maybe,
      item: orUndefined(z.object({ channel: Channel })),
      thread_ts: Maybe,
    }),
  ),
});

const Interaction = z.object({
  type: Text,
  trigger_id: Maybe,
  team: WithId,
  user: WithId,
  channel: WithId,
  container: orUndefined(z.object({ channel_id: Maybe, thread_ts: Maybe })),
  message: orUndefined(z.object({ thread_ts: Maybe })),
});

const Command = z.object({
  command: Text,
  team_id: Maybe,
  channel_id: Maybe,
  trigger_id: Maybe,
});

/** Menus that ask us what to offer. */
const SUGGESTIONS: ReadonlySet<string> = new Set(["block_suggestion", "dialog_suggestion"]);

export type SlackRequest =
  | { readonly kind: "challenge"; readonly challenge: string }
  /** Slack looks whether our certificate is good. */
  | { readonly kind: "certificate-check" }
  | { readonly kind: "event"; readonly event: z.output<typeof Event> }
  | {
      readonly kind: "interaction" | "options";
      readonly interaction: z.output<typeof Interaction>;
    }
  | { readonly kind: "command"; readonly command: z.output<typeof Command> };

/** Undefined for a body that Slack does not send. */
export function readSlack(body: Uint8Array): SlackRequest | undefined {
  return body[0] === BRACE ? readEvent(senderJson(body)) : readForm(body);
}

/**
 * The event as Slack names it. Only events are sent again, and keep their `event_id` then; anything
 * else that has no id of its own is told apart by its signed time.
 */
export async function slackEvent(
  request: SlackRequest,
  body: Uint8Array<ArrayBuffer>,
  time: string,
): Promise<SenderEvent | undefined> {
  switch (request.kind) {
    case "event":
      return {
        id: request.event.event_id ?? (await sha256(body)),
        conversation: laneOfEvent(request.event),
      };
    case "interaction":
    case "options":
      return {
        id: request.interaction.trigger_id ?? (await momentOf(body, time)),
        conversation: laneOfInteraction(request.interaction),
      };
    case "command":
      return {
        id: request.command.trigger_id ?? (await momentOf(body, time)),
        conversation: joined(request.command.team_id, request.command.channel_id),
      };
    default:
      return undefined;
  }
}

function readEvent(json: unknown): SlackRequest | undefined {
  const challenge = Challenge.safeParse(json);
  if (challenge.success) return { kind: "challenge", challenge: challenge.data.challenge };
  const event = Event.safeParse(json);
  return event.success ? { kind: "event", event: event.data } : undefined;
}

function readForm(body: Uint8Array): SlackRequest | undefined {
  const form = new URLSearchParams(fromUtf8(body));
  const payload = form.get("payload");
  if (payload !== null) return readPayload(payload);
  if (form.get("ssl_check") === "1") return { kind: "certificate-check" };
  const command = Command.safeParse(Object.fromEntries(form));
  return command.success ? { kind: "command", command: command.data } : undefined;
}

function readPayload(payload: string): SlackRequest | undefined {
  const interaction = Interaction.safeParse(jsonOrUndefined(payload));
  if (!interaction.success) return undefined;
  const kind = SUGGESTIONS.has(interaction.data.type) ? "options" : "interaction";
  return { kind, interaction: interaction.data };
}

function laneOfEvent({ team_id: team, event }: z.output<typeof Event>): string | undefined {
  const channel = event?.channel ?? event?.channel_id ?? event?.item?.channel;
  return channel === undefined ? team : joined(team, channel, event?.thread_ts);
}

/** Modals belong to no channel, but to who filled them in. */
function laneOfInteraction(one: z.output<typeof Interaction>): string | undefined {
  const channel = one.channel?.id ?? one.container?.channel_id;
  if (channel === undefined) return joined(one.team?.id, one.user?.id);
  return joined(one.team?.id, channel, one.message?.thread_ts ?? one.container?.thread_ts);
}

function joined(...parts: readonly (string | undefined)[]): string | undefined {
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? undefined : known.join(":");
}

function momentOf(body: Uint8Array, time: string): Promise<string> {
  return sha256(concat([utf8(`${time}:`), body]));
}

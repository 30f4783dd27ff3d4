import * as z from "zod/mini";
import { err, ok } from "../../result.ts";
import { discordSignature, verifyDiscord } from "../discord-signature.ts";
import { itemOf } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { Scheme } from "../scheme.ts";
import { hashOf, senderJson } from "../sender-json.ts";

const PING = 0;

const Typed = z.object({ type: z.int() });
const Payload = z.object({
  type: z.literal(1),
  application_id: z.string(),
  event: z.looseObject({ type: z.string(), timestamp: z.string() }),
});

/** What an event is about, the nearest first. */
const About = z.object({
  data: z.object({
    channel_id: orUndefined(z.string()),
    user_id: orUndefined(z.string()),
    user: orUndefined(z.object({ id: z.string() })),
  }),
});

/**
 * Events that Discord posts to an app: installed, bought, written to.
 *
 * Source: https://docs.discord.com/developers/events/webhook-events
 */
export const discordEvents: Scheme<"discord-events"> = {
  maxBodyBytes: 1024 * 1024,

  screen(settings, headers, now) {
    const signed = discordSignature(settings, headers, now);
    return signed.ok ? ok(undefined) : signed;
  },

  verify: verifyDiscord,

  handshake({ body }) {
    const typed = Typed.safeParse(senderJson(body));
    return typed.data?.type === PING ? noContent() : undefined;
  },

  async identify(_settings, { route, body }) {
    const payload = Payload.safeParse(senderJson(body));
    if (!payload.success) return err({ reason: "malformed" });
    const { application_id: app, event } = payload.data;
    // Events have no id of their own; the time of one is in what is hashed.
    const id = await hashOf([app, event]);
    return ok([await itemOf(route, { id, conversation: aboutOf(event) })]);
  },

  accepted: noContent,
};

function aboutOf(event: unknown): string | undefined {
  const about = About.safeParse(event);
  if (!about.success) return undefined;
  const { channel_id: channel, user_id: userId, user } = about.data.data;
  return channel ?? userId ?? user?.id;
}

function noContent(): Response {
  return new Response(null, { status: 204 });
}

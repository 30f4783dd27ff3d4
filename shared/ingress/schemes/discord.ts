import * as z from "zod/mini";
import { err, ok } from "../../result.ts";
import { jsonAnswer } from "../answers.ts";
import { discordSignature, verifyDiscord } from "../discord-signature.ts";
import { itemOf } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { Scheme } from "../scheme.ts";
import { senderJson } from "../sender-json.ts";

const PING = 1;
const MESSAGE_COMPONENT = 3;
const AUTOCOMPLETE = 4;

const PONG = { type: 1 } as const;
/** The user sees that an answer is being made; it is sent with the token, up to 15 minutes later. */
const DEFERRED_MESSAGE = { type: 5 } as const;
/** The message with the component stays as it is until it is edited with the token. */
const DEFERRED_UPDATE = { type: 6 } as const;
/** Suggestions cannot be deferred: none is the answer that hurts nobody. */
const NO_CHOICES = { type: 8, data: { choices: [] } } as const;

const Typed = z.object({ type: z.int() });
const Interaction = z.object({
  id: z.string().check(z.minLength(1)),
  channel_id: z.optional(z.string()),
  /** In place of a channel, where the app is used without one. */
  user: orUndefined(z.object({ id: z.string() })),
});

/**
 * Interactions: commands, buttons, modals. They want an answer within three seconds, and "wait" is
 * one.
 *
 * Source: https://docs.discord.com/developers/interactions/receiving-and-responding
 */
export const discord: Scheme<"discord"> = {
  maxBodyBytes: 1024 * 1024,

  screen(settings, headers, now) {
    const signed = discordSignature(settings, headers, now);
    return signed.ok ? ok(undefined) : signed;
  },

  verify: verifyDiscord,

  handshake: ({ body }) => (typeOf(body) === PING ? jsonAnswer(PONG) : undefined),

  async identify(_settings, { route, body }) {
    const interaction = Interaction.safeParse(senderJson(body));
    if (!interaction.success) return err({ reason: "malformed" });
    const { id, channel_id: channel, user } = interaction.data;
    return ok([await itemOf(route, { id, conversation: channel ?? user?.id })]);
  },

  accepted({ body }) {
    const type = typeOf(body);
    if (type === AUTOCOMPLETE) return jsonAnswer(NO_CHOICES);
    return jsonAnswer(type === MESSAGE_COMPONENT ? DEFERRED_UPDATE : DEFERRED_MESSAGE);
  },
};

function typeOf(body: Uint8Array): number | undefined {
  return Typed.safeParse(senderJson(body)).data?.type;
}

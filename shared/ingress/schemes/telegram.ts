import * as z from "zod/mini";
import { err, ok, type Result } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { matchDigest } from "../crypto.ts";
import { itemOf } from "../items.ts";
import type { Proof, Refusal, Scheme } from "../scheme.ts";
import { senderJson } from "../sender-json.ts";

const SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token";

const Chat = z.object({ chat: z.object({ id: z.int() }) });

/** Only what is read here: Telegram adds kinds of updates, and each one must get through. */
const Update = z.looseObject({ update_id: z.int() });

/** Where else than at its top a part of an update keeps its chat. */
const Nested = z.object({ message: Chat });

/**
 * Telegram repeats the secret given to `setWebhook` in a header; nothing is signed.
 *
 * Source: https://core.telegram.org/bots/api#setwebhook
 */
export const telegram: Scheme<"telegram"> = {
  maxBodyBytes: 1024 * 1024,

  async screen(settings, headers) {
    const proof = await proofOf(settings.digests, headers);
    return proof.ok ? ok(undefined) : proof;
  },

  verify: (settings, { headers }) => proofOf(settings.digests, headers),

  async identify(_settings, { route, body }) {
    const update = Update.safeParse(senderJson(body));
    if (!update.success) return err({ reason: "malformed" });
    // Update ids count per bot, and a route belongs to one bot.
    const id = update.data.update_id;
    return ok([await itemOf(route, { id, conversation: chatOf(update.data) })]);
  },

  /** Empty: Telegram executes JSON in the answer as a call of the Bot API. */
  accepted: emptyAnswer,
};

async function proofOf(
  digests: readonly string[],
  headers: Headers,
): Promise<Result<Proof, Refusal>> {
  const given = headers.get(SECRET_HEADER);
  if (given === null) return err({ reason: "missing_header", header: SECRET_HEADER });
  const secret = await matchDigest(given, digests);
  if (secret === undefined) return err({ reason: "mismatch", header: SECRET_HEADER });
  return ok({ secret });
}

/** The chat an update is about: Telegram keeps the order within each, and so do we. */
function chatOf(update: z.output<typeof Update>): number | undefined {
  for (const part of Object.values(update)) {
    const direct = Chat.safeParse(part);
    if (direct.success) return direct.data.chat.id;
    const nested = Nested.safeParse(part);
    if (nested.success) return nested.data.message.chat.id;
  }
  return undefined;
}

import * as z from "zod";
import { fromUtf8 } from "../../shared/bytes.ts";
import { err, ok } from "../../shared/result.ts";
import { matchesAny } from "./digests.ts";
import type { Verifier } from "./verifier.ts";

const SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token";

const Chat = z.object({ chat: z.object({ id: z.int() }) });

/** Only what is read here: Telegram adds kinds of updates, and each one must get through. */
const Update = z.looseObject({ update_id: z.int() });

/** Where else than at its top a part of an update keeps its chat. */
const Nested = z.object({ message: Chat });

/**
 * Telegram repeats the secret given to `setWebhook` in a header; nothing is signed.
 * Source: https://core.telegram.org/bots/api#setwebhook
 */
export const telegram: Verifier = {
  async authenticate(route, headers) {
    const given = headers.get(SECRET_HEADER);
    if (given === null) return err({ reason: "header_missing", header: SECRET_HEADER });
    const genuine = await matchesAny(given, route.verification.digests);
    return genuine ? ok(undefined) : err({ reason: "mismatch" });
  },

  identify({ route, body }) {
    const update = Update.safeParse(jsonOf(body));
    if (!update.success) return Promise.resolve(err({ reason: "malformed" }));
    const chat = chatOf(update.data);
    return Promise.resolve(
      ok({
        // Update ids count per bot, and a route belongs to one bot.
        deliveryId: `${route.name}:${update.data.update_id}`,
        lane: chat === undefined ? route.name : `${route.name}:${chat}`,
      }),
    );
  },

  /** Empty: Telegram executes JSON in the answer as a call of the Bot API. */
  accepted: () => new Response(null, { status: 200 }),
};

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

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(body));
  } catch {
    // Refused as malformed by the schema, like any other body that is not an update.
    return undefined;
  }
}

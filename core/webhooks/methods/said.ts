/** What the agent said to a webhook: found in the sessions of the turns it set off. */
import type { Store } from "../../store/store.ts";
import type { WebhookDetail, WebhookItemRow } from "../../store/webhook.ts";
import type { Said } from "./answers.ts";
import type { StoredMessage } from "../../store/entry.ts";

/** Turns of one webhook whose answers are told. */
const MAX_TURNS = 10;
/** UTF-16 units of each; the session has the rest. */
const MAX_UNITS = 2_000;
/** How far back in a session it is looked for: the owner's own has been talked in since, perhaps. */
const MAX_MESSAGES = 200;

/** In the order of the events. Without those whose session has forgotten them. */
export async function saidTo(
  { work }: Pick<WebhookDetail, "work">,
  store: Pick<Store, "history">,
): Promise<Said[]> {
  const turns = work.flatMap((item) => {
    const { sessionKey, endedAt } = item;
    return sessionKey === undefined || endedAt === undefined ? [] : [{ item, sessionKey, endedAt }];
  });
  const found = await Promise.all(
    turns.slice(0, MAX_TURNS).map(async ({ item, sessionKey, endedAt }) => {
      const history = await store.history(sessionKey, MAX_MESSAGES);
      const text = answerIn(history, { ...item, endedAt });
      return text === undefined ? [] : [saidIn(item.id, sessionKey, text)];
    }),
  );
  return found.flat();
}

function saidIn(id: string, sessionKey: string, text: string): Said {
  const truncated = text.length > MAX_UNITS;
  return { id, sessionKey, text: text.slice(0, MAX_UNITS), truncated };
}

/**
 * A turn is written down together with the end of its work, and nothing comes between: it is the
 * last one in its session that is not younger. Pure.
 */
function answerIn(
  history: readonly StoredMessage[],
  { startedAt = 0, endedAt }: Pick<WebhookItemRow, "startedAt"> & { readonly endedAt: number },
): string | undefined {
  const until = history.findLastIndex(({ at }) => at <= endedAt);
  const last = history[until];
  if (last === undefined || last.at < startedAt) return undefined;
  const before = history.slice(0, until + 1);
  const asked = before.findLastIndex(({ message }) => message.role === "user");
  const texts = before.slice(asked + 1).flatMap(({ message }) => {
    return message.role === "assistant" && message.text !== "" ? [message.text] : [];
  });
  return texts.length === 0 ? undefined : texts.join("\n");
}

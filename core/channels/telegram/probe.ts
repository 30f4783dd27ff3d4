import type { ChannelProbe } from "../probe.ts";
import type { TelegramAccount } from "../account.ts";
import { createClient, DEFAULT_API_ROOT, TelegramCallError } from "./client.ts";
import type { CallFailure } from "./failure.ts";

/** Asks Telegram whose token it is. Never rejects. */
export async function probeTelegram(
  { botToken, apiRoot = DEFAULT_API_ROOT }: TelegramAccount,
  signal: AbortSignal,
  now: () => number,
): Promise<ChannelProbe> {
  const startedAt = now();
  const client = createClient({
    token: botToken,
    apiRoot: apiRoot.replace(/\/+$/, ""),
    allowedUpdates: [],
  });
  try {
    const { id, username } = await client.getMe(signal);
    const account = { id: String(id), name: username };
    return { ok: true, elapsedMs: now() - startedAt, account };
  } catch (error) {
    const elapsedMs = now() - startedAt;
    if (signal.aborted) return { ok: false, elapsedMs, error: "no answer in time", refused: false };
    const failure = error instanceof TelegramCallError ? error.failure : undefined;
    return { ok: false, elapsedMs, ...said(failure) };
  }
}

function said(failure: CallFailure | undefined): { error: string; refused: boolean } {
  if (failure?.kind !== "refused") {
    return { error: `cannot reach Telegram (${failure?.reason ?? "unknown"})`, refused: false };
  }
  const { status, description } = failure;
  // As it answers to a token that nobody has, in either of two ways.
  const refused = status === 401 || status === 404;
  return { error: `Telegram: ${description.slice(0, 200)} (${status})`, refused };
}

import { GatewayError } from "../../shared/errors.ts";
import { runAgent } from "../agents/loop.ts";
import type { Clock } from "../channels/clock.ts";
import { Meter } from "../models/meter.ts";
import type { Message } from "../store/message.ts";
import { agentIdOf } from "../store/session-key.ts";
import type { SessionExpectation, SessionInfo } from "../store/session.ts";
import type { Store } from "../store/store.ts";
import { summaryOf } from "./history.ts";
import type { Runs } from "./run.ts";
import type { Conversations } from "./session.ts";
import type { AgentSettings } from "../agents/directory.ts";
import type { StoredMessage } from "../store/entry.ts";

/** Messages that stay as they are when a session is compacted: the newest few exchanges. */
const KEPT_MESSAGES = 8;
/** Of one session, summarised at once: what fits into the context of common models. */
const SUMMARISED = { messages: 2_000, units: 400_000 } as const;
/** A summary that has not come by then will not come. */
const SUMMARY_TIMEOUT_MS = 120_000;
/** Aborted runs are waited for: what they leave belongs to the session as it was. */
const SETTLE_MS = 5_000;

/** UTF-16 units of what somebody wishes of a summary. */
const MAX_WISH_UNITS = 2_000;

const INSTRUCTIONS =
  "Summarise the conversation below so that it can go on from your summary alone. Keep names, numbers, decisions, open questions and what was promised; leave out small talk. Write the summary only.";

export interface SessionParts {
  readonly store: Pick<Store, "sessions" | "usage">;
  readonly conversations: Pick<Conversations, "alone">;
  readonly runs: Runs;
  readonly agent: (
    agentId: string,
    model?: string,
    sessionKey?: string,
  ) => AgentSettings | Promise<AgentSettings>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** What became of the wish to compact a session. */
export type Compaction =
  | { readonly compacted: true; readonly info: SessionInfo; readonly summarised: number }
  /** `reason` is fit for the user. */
  | { readonly compacted: false; readonly reason: string };

/** What is done with a session as a whole, in between its turns. */
export class Sessions {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Ends its runs and begins anew, with the same settings. */
  async reset(key: string): Promise<SessionInfo> {
    const { store, clock } = this.#parts;
    await this.#settle(key);
    return store.sessions.reset(key, clock.now());
  }

  /** @returns Id of what was removed; undefined: there was none. @throws GatewayError conflict */
  async remove(
    key: string,
    expected?: SessionExpectation & { readonly archivedOnly?: boolean | undefined },
  ): Promise<string | undefined> {
    const { store, clock } = this.#parts;
    await this.#settle(key);
    return store.sessions.remove(key, clock.now(), expected);
  }

  /**
   * Lets the agent's model summarise all but the newest messages; from then on it gets the summary
   * in place of them. Nothing that was said is lost to people.
   *
   * @param how - `keep`: messages that stay as they are. `wish`: what the summary is to look at.
   */
  compact(
    key: string,
    signal: AbortSignal,
    how: { readonly keep?: number | undefined; readonly wish?: string | undefined } = {},
  ): Promise<Compaction> {
    const { keep = KEPT_MESSAGES, wish = "" } = how;
    const all = { keep, wish: wish.slice(0, MAX_WISH_UNITS) };
    return this.#parts.conversations.alone(key, signal, () => this.#compact(key, signal, all));
  }

  async #compact(
    key: string,
    signal: AbortSignal,
    { keep, wish }: { readonly keep: number; readonly wish: string },
  ): Promise<Compaction> {
    const { store, clock } = this.#parts;
    const opening = await store.sessions.opening(key, SUMMARISED.messages);
    if (opening.sessionId === undefined) return { compacted: false, reason: "no such session" };
    const old = opening.messages.slice(0, wholeTurns(opening.messages, keep));
    const upTo = old.at(-1)?.seq;
    if (upTo === undefined) return { compacted: false, reason: "nothing to compact" };
    const said = [...summaryOf(opening.summary), ...old.map(({ message }) => message)];
    const chosen = opening.settings["model"];
    const model = typeof chosen === "string" ? chosen : undefined;
    const made = await this.#summarise(key, { model, wish }, said, signal);
    if (made.summary === "") return { compacted: false, reason: made.reason };
    const place = { summary: made.summary, upTo, sessionId: opening.sessionId };
    const info = await store.sessions.compact(key, place, clock.now());
    return { compacted: true, info, summarised: old.length };
  }

  async #summarise(
    key: string,
    { model, wish }: { readonly model: string | undefined; readonly wish: string },
    said: readonly Message[],
    signal: AbortSignal,
  ): Promise<{ readonly summary: string; readonly reason: string }> {
    const { agent, random, clock, store } = this.#parts;
    const agentId = agentIdOf(key);
    const who = await agent(agentId, model, key);
    const meter = new Meter(clock.now);
    const models = meter.over(who.models, who.prices);
    const late = new AbortController();
    const stop = (): void => late.abort();
    const timer = setTimeout(stop, SUMMARY_TIMEOUT_MS);
    signal.addEventListener("abort", stop, { once: true });
    try {
      const messages: Message[] = [{ role: "user", text: transcriptOf(said) }];
      const system = wish === "" ? INSTRUCTIONS : `${INSTRUCTIONS}\nAbove all: ${wish}`;
      const asked = { models, system, messages, tools: [], random };
      let summary = "";
      for await (const event of runAgent({ ...asked, signal: late.signal, sleep: clock.wait })) {
        if (event.type === "text") summary += event.delta;
        if (event.type === "failed") return { summary: "", reason: event.message };
      }
      return { summary: summary.trim(), reason: "the model gave no summary" };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      const spent = { calls: meter.take(), sessionKey: key, agentId, kind: "compaction" };
      await store.usage.add(spent);
    }
  }

  async #settle(key: string): Promise<void> {
    const { runs } = this.#parts;
    const never = new AbortController().signal;
    const ids = new Set(await runs.abort({ sessionKey: key }));
    const left = (): string[] => runs.active(key).flatMap(({ id }) => (ids.has(id) ? [id] : []));
    await Promise.all(left().map((id) => runs.wait(id, SETTLE_MS, never)));
    if (left().length > 0) {
      throw new GatewayError("conflict", "A run of this session does not end");
    }
  }
}

/** How many of the oldest messages make whole turns, with at least `keep` left after them. */
function wholeTurns(messages: readonly StoredMessage[], keep: number): number {
  for (let count = messages.length - keep; count > 0; count -= 1) {
    if (messages[count]?.message.role === "user" || count === messages.length) return count;
  }
  return 0;
}

/** As text: the model is to report on it, not to go on with it. The newest part, when it is long. */
function transcriptOf(messages: readonly Message[]): string {
  const lines = messages.map(({ role, text }) => `[${role}]\n${text}`).join("\n\n");
  return lines.slice(-SUMMARISED.units);
}

import { isDeepStrictEqual } from "node:util";
import { GatewayError } from "../../shared/errors.ts";
import { canonicalSessionKey } from "../store/session-key.ts";
import type { Store } from "../store/store.ts";
import type { SourceSession } from "./read-sessions.ts";
import { reasonOf, type Step } from "./step.ts";
import type { Said, Transcript } from "./transcript.ts";

/** Who made a session that was brought over. */
const CREATED_BY = "migrate";
/** Written side by side: they share one wait for the disk. */
const BATCH = 200;
const NO_USAGE = { inputTokens: 0, outputTokens: 0 } as const;

export type SessionTarget = Pick<Store, "sessions">;

/** @param now - Unix ms. */
export async function sessionStep(
  source: SourceSession,
  target: SessionTarget,
  now: number,
): Promise<Step> {
  const key = canonicalSessionKey(source.key, source.agentId);
  const named = { part: "sessions", name: key } as const;
  const transcript = await readable(source);
  if (typeof transcript === "string") return { ...named, verdict: "left", note: transcript };
  const { said } = transcript;
  if (said.length === 0) return { ...named, verdict: "left", note: "nothing was said in it" };
  const standing = await standingOf(key, said, target);
  if (standing.state === "same") return { ...named, verdict: "same" };
  if (standing.state === "other") {
    return { ...named, verdict: "kept", note: "there is a session of this name, and it stays" };
  }
  const apply = (): Promise<void> =>
    bringOver({ key, source, transcript, done: standing.done }, target, now);
  return { ...named, verdict: "add", note: noteOf(transcript, standing.done), apply };
}

function noteOf({ said, unread }: Transcript, done: number): string {
  const count = said.length - done;
  const messages = `${count} ${count === 1 ? "message" : "messages"}`;
  return unread === 0 ? messages : `${messages}; ${unread} could not be read`;
}

async function readable(source: SourceSession): Promise<Transcript | string> {
  try {
    return await source.read();
  } catch (error) {
    return reasonOf(error);
  }
}

type Standing =
  /** So many of them are here. */
  | { readonly state: "begun"; readonly done: number }
  | { readonly state: "same" }
  | { readonly state: "other" };

/** What was brought over before, and has not gone on here, may be completed. */
async function standingOf(
  key: string,
  said: readonly Said[],
  { sessions }: SessionTarget,
): Promise<Standing> {
  const page = await sessions.page(key, { limit: 1 });
  if (page === undefined) return { state: "begun", done: 0 };
  const { createdBy, messageCount: done } = page.info;
  if (createdBy !== CREATED_BY || done > said.length) return { state: "other" };
  const isSame =
    done === 0 || isDeepStrictEqual(page.messages[0]?.message, said[done - 1]?.message);
  if (!isSame) return { state: "other" };
  return done === said.length ? { state: "same" } : { state: "begun", done };
}

interface Order {
  readonly key: string;
  readonly source: SourceSession;
  readonly transcript: Transcript;
  /** How many of its messages are here. */
  readonly done: number;
}

/** Whoever is stopped in the middle goes on from there the next time. */
async function bringOver(order: Order, { sessions }: SessionTarget, now: number): Promise<void> {
  const { key, source, transcript, done } = order;
  const first = transcript.said.find(({ at }) => at > 0)?.at;
  await sessions.create({ key, createdBy: CREATED_BY, at: source.createdAt ?? first ?? now });
  const rest = transcript.said.slice(done);
  for (let from = 0; from < rest.length; from += BATCH) {
    const added = rest.slice(from, from + BATCH).map(({ at, message, calls }) => {
      const said = { sessionKey: key, messages: [message], at: at || now };
      return sessions.add({ ...said, usage: NO_USAGE, calls });
    });
    await Promise.all(added);
  }
  const { summary } = transcript;
  if (summary !== undefined && done <= summary.upTo) {
    const info = await sessions.find(key);
    if (info !== undefined) {
      const made = { summary: summary.text, upTo: summary.upTo, sessionId: info.sessionId };
      await sessions.compact(key, made, info.updatedAt);
    }
  }
  const { label } = source;
  if (label !== undefined) await nameIt(key, label, { sessions });
}

/** Two may have the same label there: then the second goes without. */
async function nameIt(key: string, label: string, { sessions }: SessionTarget): Promise<void> {
  try {
    const info = await sessions.find(key);
    await sessions.patch(key, { label }, info?.updatedAt ?? 0);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "invalid_request") throw error;
  }
}

/** What of a turn decides what its agent knows and may use. */
import { hasOthers, isHelper, isUnattended } from "./workspace/names.ts";

export interface TurnScope {
  /** Canonical. */
  readonly sessionKey?: string | undefined;
  /** What has begun it: `channel`, `hook`, `cron` … */
  readonly kind?: string | undefined;
  /** Conversation of a channel that it was asked for in. */
  readonly origin?: Place | undefined;
  /** True: asked for with all the rights that the gateway's owner has. */
  readonly asOwner?: boolean | undefined;
  /** Names, patterns and groups of tools, of those there are. Undefined: all. */
  readonly toolsAllow?: readonly string[] | undefined;
  /** True: nothing of the files of the workspace. */
  readonly lightContext?: boolean | undefined;
  /** `provider/model`, in place of those that stand in otherwise. */
  readonly fallbacks?: readonly string[] | undefined;
}

/** A conversation of a channel. */
export interface Place {
  readonly channel: string;
  readonly conversation: string;
}

/**
 * Whether nobody but the owner is asking, and nobody else hears the answer. What a channel brings
 * is judged by who speaks there, whatever session it ends up in.
 *
 * @param isOwners - Whether a conversation is the owner's own.
 */
export async function isForOwner(
  scope: TurnScope,
  isOwners: (place: Place) => Promise<boolean>,
): Promise<boolean> {
  const { sessionKey, kind, origin, asOwner } = scope;
  if (sessionKey !== undefined && (hasOthers(sessionKey) || isHelper(sessionKey))) return false;
  if (kind === "hook") return false;
  if (kind === "channel") return !(await isForGuest(scope, isOwners));
  // What is asked elsewhere and told in a conversation is heard by whoever is there.
  return asOwner === true && (origin === undefined || (await isOwners(origin)));
}

/** Whether somebody else than the owner asks in a conversation of a channel. */
export async function isForGuest(
  { kind, origin }: TurnScope,
  isOwners: (place: Place) => Promise<boolean>,
): Promise<boolean> {
  return kind === "channel" && !(origin !== undefined && (await isOwners(origin)));
}

/** What begins turns without anybody asking. */
const BY_ITSELF: ReadonlySet<string> = new Set(["cron", "heartbeat", "hook"]);

/** Whether a person is waiting for the answer. */
export function isAttended({ sessionKey, kind }: TurnScope): boolean {
  if (sessionKey !== undefined && (isUnattended(sessionKey) || isHelper(sessionKey))) return false;
  return kind === undefined || !BY_ITSELF.has(kind);
}

/** The files of a workspace that say who an agent is, and who reads which of them. Pure. */

/** In the order the model reads them. */
export const PROMPT_FILES = [
  "AGENTS.md",
  "SOUL.md",
  "IDENTITY.md",
  "USER.md",
  "TOOLS.md",
  "BOOTSTRAP.md",
  "MEMORY.md",
] as const;
export type PromptFileName = (typeof PROMPT_FILES)[number];

/** What people may see and change through the gateway: those, and what is read at its own time. */
export const WORKSPACE_FILES: readonly string[] = [...PROMPT_FILES, "HEARTBEAT.md"];

/** A workspace with any files in it should have these; of the others it may have none. */
export const EXPECTED_FILES: ReadonlySet<string> = new Set(["AGENTS.md", "SOUL.md", "IDENTITY.md"]);

/** Characters of files that are told in every turn and grow: less than others have. */
export const MAX_CHARS_OF: ReadonlyMap<string, number> = new Map([["USER.md", 4_000]]);

/** Who is there when a session is talked in. */
type Room = "owner" | "private" | "shared" | "job" | "hook" | "helper";

/**
 * What stays out. About the owner: not for a room with other people in it, nor where a stranger's
 * text is what is answered. The first conversation of a new workspace is one with its owner, and
 * over when BOOTSTRAP.md is taken away. A job knows the owner, not what is remembered of them.
 */
const LEFT_OUT: Readonly<Record<Room, readonly PromptFileName[]>> = {
  owner: [],
  private: ["BOOTSTRAP.md"],
  shared: ["USER.md", "BOOTSTRAP.md", "MEMORY.md"],
  job: ["BOOTSTRAP.md", "MEMORY.md"],
  hook: ["USER.md", "BOOTSTRAP.md", "MEMORY.md"],
  helper: PROMPT_FILES.filter((name) => name !== "AGENTS.md"),
};

const ROOMS: readonly (readonly [Room, RegExp])[] = [
  ["helper", /:subagent:/],
  ["shared", /:(?:group|channel|thread):/],
  ["hook", /^agent:[^:]+:hook:/],
  ["job", /^agent:[^:]+:cron:/],
  ["owner", /^agent:[^:]+:(?:main$|(?:.*:)?direct:)/],
];

/** True for a session with the words of others than the owner in it: people of a room, senders of webhooks. */
export function hasOthers(sessionKey: string): boolean {
  return ["shared", "hook"].includes(roomOf(sessionKey));
}

/** True for a session that works for another one. */
export function isHelper(sessionKey: string): boolean {
  return roomOf(sessionKey) === "helper";
}

/** True for a session that a job or a webhook has of its own. */
export function isUnattended(sessionKey: string): boolean {
  return ["job", "hook"].includes(roomOf(sessionKey));
}

/**
 * Which files the model reads in a session.
 *
 * @param isGuest - Whether somebody else than the owner asks there: what is left out of a room with
 *   others in it stays out.
 */
export function promptFilesOf(
  sessionKey: string | undefined,
  isGuest = false,
): readonly PromptFileName[] {
  const room = sessionKey === undefined ? "private" : roomOf(sessionKey);
  const left = new Set([...LEFT_OUT[room], ...(isGuest ? LEFT_OUT.shared : [])]);
  return PROMPT_FILES.filter((name) => !left.has(name));
}

function roomOf(sessionKey: string): Room {
  return ROOMS.find(([, pattern]) => pattern.test(sessionKey))?.[0] ?? "private";
}

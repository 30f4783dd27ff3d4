/** The files of a workspace that say who an agent is. Pure. */

/** In the order the model reads them. */
export const PROMPT_FILES = [
  "AGENTS.md",
  "SOUL.md",
  "IDENTITY.md",
  "USER.md",
  "TOOLS.md",
  "MEMORY.md",
] as const;

/** What people may see and change through the gateway: those, and what others read at their time. */
export const WORKSPACE_FILES: readonly string[] = [...PROMPT_FILES, "HEARTBEAT.md", "BOOTSTRAP.md"];

/** About the owner: not for a room with other people in it. */
const PERSONAL: ReadonlySet<string> = new Set(["USER.md", "MEMORY.md"]);

/** Which files the model reads in a session. */
export function promptFilesOf(sessionKey: string | undefined): readonly string[] {
  const isShared = sessionKey !== undefined && /:(?:group|channel|thread):/.test(sessionKey);
  return isShared ? PROMPT_FILES.filter((name) => !PERSONAL.has(name)) : PROMPT_FILES;
}

/** How an agent shows itself, and where that comes from. Pure. */
import type { AgentProfile } from "./directory.ts";

/** Where its name was found. */
export type NameSource = "config" | "workspace" | "default";

export interface ShownIdentity {
  readonly name: string;
  readonly nameSource: NameSource;
  readonly emoji: string | undefined;
  readonly theme: string | undefined;
  /** Undefined: none. */
  readonly avatar: string | undefined;
  readonly avatarStatus: "none" | "local" | "remote" | "data";
}

/** What it is called when nobody says anything else. */
const DEFAULT_NAME = "Assistant";
const MAX_VALUE_UNITS = 256;

/** `- **Name:** Molty`, as the files of a workspace have it. */
const LINE =
  /^[\s>*-]*\**(?<key>name|emoji|theme|vibe|creature|avatar)\**\s*:\**\s*(?<value>\S.*)$/i;

/**
 * @param file - `IDENTITY.md` of its workspace; undefined: there is none.
 */
export function shownIdentity(profile: AgentProfile, file: string | undefined): ShownIdentity {
  const written = readIdentity(file ?? "");
  const { identity } = profile;
  const configured = identity.name ?? profile.name;
  const avatar = identity.avatar ?? written.get("avatar");
  return {
    name: configured ?? written.get("name") ?? DEFAULT_NAME,
    nameSource: nameSourceOf(configured, written.get("name")),
    emoji: identity.emoji ?? written.get("emoji"),
    theme: identity.theme ?? written.get("theme") ?? written.get("creature"),
    avatar,
    avatarStatus: avatarStatusOf(avatar),
  };
}

function nameSourceOf(configured: string | undefined, written: string | undefined): NameSource {
  if (configured !== undefined) return "config";
  return written === undefined ? "default" : "workspace";
}

/** Placeholders of a file that nobody filled in, `*(pick something)*`, are no values. */
function readIdentity(file: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of file.split("\n")) {
    const { key, value = "" } = LINE.exec(line.trimEnd())?.groups ?? {};
    const text = value.replaceAll(/^[*_`\s]+|[*_`\s]+$/g, "");
    if (key === undefined || text === "" || /^[([]/.test(text)) continue;
    if (!found.has(key.toLowerCase())) found.set(key.toLowerCase(), clip(text));
  }
  return found;
}

function clip(text: string): string {
  return text.slice(0, MAX_VALUE_UNITS);
}

function avatarStatusOf(avatar: string | undefined): ShownIdentity["avatarStatus"] {
  if (avatar === undefined) return "none";
  if (/^https?:\/\//i.test(avatar)) return "remote";
  return avatar.startsWith("data:") ? "data" : "local";
}

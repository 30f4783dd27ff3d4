/**
 * Names that stand for several tools, as configs have them. Most of the tools in here are of other
 * versions: a config that names them says the same here. Pure.
 *
 * Source: https://docs.openclaw.ai/gateway/config-tools/tool-policy
 */

const words = (text: string): readonly string[] => text.split(/\s+/);

const GROUPS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "group:runtime": words("exec process code_execution"),
    "group:fs": words("read write edit apply_patch"),
    "group:sessions": words(`sessions sessions_list sessions_history sessions_search
      conversations_list conversations_send conversations_turn sessions_send sessions_spawn
      sessions_yield subagents session_status suggest_task dismiss_task`),
    "group:memory": words("memory_search memory_get"),
    "group:web": words("web_search x_search web_fetch"),
    "group:ui": words("browser screen theme dashboard terminal portal canvas show_widget"),
    "group:automation": words("heartbeat_respond cron gateway plugins openclaw"),
    "group:messaging": ["message"],
    "group:nodes": words("nodes computer"),
    "group:agents": words(`agents_list get_goal create_goal update_goal progress_card ask_user
      skill_workshop`),
    "group:media": words(`view_image image_generate music_generate video_generate tts pdf`),
    // No plugins: nothing is theirs.
    "group:plugins": [],
  }),
);

/** All but those that reach into the machine. */
const NOT_OPENCLAW: ReadonlySet<string> = new Set(words("group:runtime group:fs group:plugins"));

/** What an agent needs to know the time of; it is in every profile. */
const CLOCK = "current_time";

/**
 * What a profile begins with; `undefined`: everything. Not `gateway`, which reads the config here:
 * elsewhere a profile has it for updates alone.
 */
const PROFILES = {
  minimal: ["session_status", CLOCK],
  coding: [
    ...words("group:fs group:runtime group:web group:sessions group:memory cron"),
    ...words("get_goal create_goal update_goal progress_card ask_user skill_workshop theme"),
    ...words("view_image image_generate music_generate video_generate"),
    CLOCK,
  ],
  messaging: [
    ...words("group:messaging sessions sessions_list sessions_history sessions_search"),
    ...words("conversations_list conversations_send conversations_turn sessions_send"),
    ...words("sessions_spawn sessions_yield subagents session_status ask_user theme"),
    CLOCK,
  ],
  full: undefined,
} as const satisfies Readonly<Record<string, readonly string[] | undefined>>;

export type ToolProfile = keyof typeof PROFILES;
export const TOOL_PROFILES = ["minimal", "coding", "messaging", "full"] as const;

/** What tools are called as well. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["bash", "exec"],
  ["apply-patch", "apply_patch"],
  ["automations", "cron"],
]);

/** Undefined: everything. */
export function toolsOfProfile(profile: ToolProfile): readonly string[] | undefined {
  return PROFILES[profile];
}

/** What `entry` of a list stands for: names and patterns, in lower case. */
export function expanded(entry: string): readonly string[] {
  const name = entry.trim().toLowerCase();
  if (name === "group:openclaw") return [...OPENCLAW];
  return GROUPS.get(name) ?? [ALIASES.get(name) ?? name];
}

const OPENCLAW: ReadonlySet<string> = new Set([
  ...Array.from(GROUPS)
    .filter(([name]) => !NOT_OPENCLAW.has(name))
    .flatMap(([, names]) => names),
  CLOCK,
]);

/** Commands that change a session. */
import type { SessionChange, SessionInfo } from "../../store/session.ts";
import { choose, type ChoiceName, shown } from "./choices.ts";
import { type CommandParts, type Outcome, type Said, say } from "./host.ts";
import { chooseModel } from "./model.ts";
import { chooseQueue, queueText } from "./queue-choice.ts";
import { inUse, models, wishesOf } from "./telling.ts";

const MAX_TITLE_UNITS = 200;

/** Once for each id: the session that there was is written down before it is left. */
export async function reset(args: string, said: Said, parts: CommandParts): Promise<Outcome> {
  const { sessionKey: key, id } = said;
  const { store, sessions, now, host } = parts;
  const before = await store.sessions.find(key);
  if (!isDone(before, id)) {
    if (before !== undefined) {
      const settings = { resetBy: `${before.sessionId} ${id}` };
      await store.sessions.patch(key, { settings }, now());
    }
    const info = await sessions.reset(key);
    host().changed(key, "reset", info);
  }
  return args === "" ? say("A new session has begun.") : { do: "ask", text: args };
}

/** Whether a session is what this very command has left. */
function isDone(info: SessionInfo | undefined, id: string): boolean {
  const noted = info?.settings["resetBy"];
  if (info === undefined || typeof noted !== "string") return false;
  const left = noted.slice(0, noted.indexOf(" "));
  return noted === `${left} ${id}` && left !== info.sessionId;
}

export async function compact(
  wish: string,
  { sessionKey: key }: Said,
  { sessions, host }: CommandParts,
  signal: AbortSignal,
): Promise<Outcome> {
  const made = await sessions.compact(key, signal, { wish });
  if (!made.compacted) return say(`Not compacted: ${made.reason}.`);
  host().changed(key, "compact", made.info);
  const { summarised } = made;
  return say(`Compacted: a summary stands for ${summarised} messages from now on.`);
}

async function change(
  { sessionKey: key }: Said,
  parts: CommandParts,
  wanted: SessionChange,
): Promise<void> {
  const info = await parts.store.sessions.patch(key, wanted, parts.now());
  parts.host().changed(key, "patch", info);
}

export async function title(args: string, said: Said, parts: CommandParts): Promise<Outcome> {
  if (args === "") {
    const info = await parts.store.sessions.find(said.sessionKey);
    return say(info?.label === undefined ? "This session has no title." : `Title: ${info.label}`);
  }
  const label = args.replaceAll(/\s+/g, " ").slice(0, MAX_TITLE_UNITS).toWellFormed();
  await change(said, parts, { label });
  return say(`Title: ${label}`);
}

export async function choice(
  name: ChoiceName,
  args: string,
  said: Said,
  parts: CommandParts,
): Promise<Outcome> {
  if (args === "" || args.toLowerCase() === "status") return current(name, said, parts);
  const made = name === "queue" ? chooseQueue(args) : choose(name, args);
  if (made.ok) await change(said, parts, { settings: made.settings });
  return say(made.said);
}

async function current(name: ChoiceName, said: Said, parts: CommandParts): Promise<Outcome> {
  const { info, ref, agent } = await inUse(said, parts);
  const settings = info?.settings ?? {};
  if (name === "queue") return say(queueText(settings, parts.queue(), said.from?.channel));
  const wishes = ref === undefined ? {} : wishesOf(agent, ref);
  return say(shown(name, settings, name === "think" || name === "fast" ? wishes[name] : undefined));
}

export async function model(args: string, said: Said, parts: CommandParts): Promise<Outcome> {
  const asked = args.toLowerCase();
  if (asked === "list") return models("", said, parts);
  const info = await parts.store.sessions.find(said.sessionKey);
  const made = await chooseModel(asked === "status" ? "" : args, said.sessionKey, {
    agent: parts.agent,
    settings: info?.settings ?? {},
  });
  if (made.settings !== undefined) await change(said, parts, { settings: made.settings });
  return say(made.said);
}

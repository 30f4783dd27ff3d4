import { GatewayError } from "../../../shared/errors.ts";
import { choice, compact, model, reset, title } from "./changing.ts";
import { type ChoiceName, isChoice } from "./choices.ts";
import { type CommandParts, type Outcome, type Said, say } from "./host.ts";
import { type Command, isChange, isSoft } from "./parse.ts";
import type { CommandName } from "./table.ts";
import { context, models, status, tools, usage, whoami } from "./telling.ts";
import * as text from "./text.ts";

/**
 * Carries out a command. What goes wrong is in the answer; only bugs and a store that fails are
 * thrown. Done again with the same id, what it does is the same.
 */
export async function runCommand(
  command: Command,
  said: Said,
  parts: CommandParts,
  signal: AbortSignal,
): Promise<Outcome> {
  if (command.do === "not_here") {
    return say(`/${command.name} is not available here. \`/commands\` has what is.`);
  }
  const { spec, args } = command;
  if (spec.who === "owner" && isChange(command) && said.standing !== "owner") {
    return say(refusal(spec.name, said));
  }
  if (spec.groupsOnly && said.from?.direct !== false) {
    return say(`/${spec.name} is for groups.`);
  }
  try {
    return await handlerOf(spec.name)(args, said, parts, signal);
  } catch (error) {
    // The store's own trouble is not the speaker's: then the command is tried again.
    if (!(error instanceof GatewayError) || PASSING.has(error.code)) throw error;
    return say(`⚠️ ${error.message}`);
  }
}

const PASSING: ReadonlySet<string> = new Set([
  "internal",
  "overloaded",
  "core_draining",
  "canceled",
]);

/** What each of them does. */
type Handler = (
  args: string,
  said: Said,
  parts: CommandParts,
  signal: AbortSignal,
) => Promise<Outcome> | Outcome;

const HANDLERS: Readonly<Record<Exclude<CommandName, ChoiceName> | "usage", Handler>> = {
  help: (_args, said) => say(text.helpText(audienceOf(said))),
  commands: (_args, said) => say(text.commandsText(audienceOf(said))),
  whoami: (_args, said) => whoami(said),
  status: (_args, said, parts) => status(said, parts),
  stop: (_args, said, parts) => stop(said, parts),
  new: reset,
  // Whoever says `soft` wants to keep what was said.
  reset: (args, said, parts) =>
    isSoft(args) ? say("A soft reset is not available here.") : reset(args, said, parts),
  compact,
  name: title,
  model,
  models,
  usage: (args, said, parts) =>
    args === "" ? usage(said, parts) : choice("usage", args, said, parts),
  context: (_args, said, parts) => context(said, parts),
  tools: (_args, said, parts) => tools(said, parts),
};

function handlerOf(name: CommandName): Handler {
  if (name === "usage" || !isChoice(name)) return HANDLERS[name];
  return (args, said, parts) => choice(name, args, said, parts);
}

function audienceOf({ standing, from }: Said): text.Audience {
  return { standing, isGroup: from !== undefined && !from.direct };
}

function refusal(name: CommandName, { from }: Said): string {
  if (from === undefined) return `/${name} takes the scope operator.admin.`;
  const id = `${from.channel}:${from.sender}`;
  return [
    `/${name} is for the owner of this assistant, and you are not listed as one.`,
    `The owner can add you: \`sallyport config set commands.ownerAllowFrom '["${id}"]'\``,
  ].join("\n");
}

async function stop({ sessionKey }: Said, { runs }: CommandParts): Promise<Outcome> {
  const ids = await runs.abort({ sessionKey });
  return say(stoppedText(ids.length > 0));
}

export function stoppedText(didStop: boolean): string {
  return didStop ? "Stopped." : "Nothing is under way.";
}

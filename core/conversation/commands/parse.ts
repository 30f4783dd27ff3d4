/** Which messages are for the gateway, not for the agent. Pure. */
import { BY_NAME, type CommandSpec, NOT_HERE } from "./table.ts";

/** A message that is a command. */
export type Command =
  | { readonly do: "run"; readonly spec: CommandSpec; readonly args: string }
  /** One that people know from elsewhere. */
  | { readonly do: "not_here"; readonly name: string };

/** `/name`, `/name args`, `/name: args`. A path or a sum after the slash is not a name. */
const SLASH = /^\/(?<name>[a-z][a-z0-9_-]{0,31})(?<dot>[.!])?(?:$|(?:\s*:\s*|\s+)(?<args>[^]*)$)/i;

/** @returns Undefined: it is for the agent. Bare words are not commands. */
export function commandOf(message: string): Command | undefined {
  const { name, dot, args = "" } = SLASH.exec(message.trim())?.groups ?? {};
  if (name === undefined) return undefined;
  const command = named(name.toLowerCase(), args.trim());
  // With a full stop or a shout only where people are in a hurry.
  const isHurried = command?.do === "run" && command.spec.name === "stop";
  return dot === undefined || isHurried ? command : undefined;
}

function named(name: string, args: string): Command | undefined {
  const spec = BY_NAME.get(name);
  if (spec === undefined) {
    return args === "" && NOT_HERE.has(name) ? { do: "not_here", name } : undefined;
  }
  return args === "" || spec.usage !== undefined ? { do: "run", spec, args } : undefined;
}

/**
 * What people say in a chat to make an agent stop, as the whole of a message.
 * Source: OpenClaw's documents, help/faq/chat-commands-and-stopping.
 */
const STOP_WORDS: ReadonlySet<string> = new Set([
  "stop",
  "stop action",
  "stop current action",
  "stop run",
  "stop current run",
  "stop agent",
  "stop the agent",
  "stop openclaw",
  "openclaw stop",
  "stop sallyport",
  "sallyport stop",
  "stop don't do anything",
  "stop do not do anything",
  "stop doing anything",
  "do not do that",
  "please stop",
  "stop please",
  "abort",
  "esc",
  "exit",
  "interrupt",
  "halt",
  "arrête",
  "arrete",
  "stopp",
  "anhalten",
  "aufhören",
  "hör auf",
  "detente",
  "para",
  "deja",
  "停止",
  "停",
  "止めて",
  "やめて",
  "रुको",
  "توقف",
  "стоп",
  "остановись",
]);
/** No stop word is longer, with its marks. */
const MAX_STOP_UNITS = 64;

/** True for `/stop`, and for the bare words that channels take for it. */
export function isStop(message: string): boolean {
  if (message.length > MAX_STOP_UNITS) return false;
  const command = commandOf(message);
  if (command?.do === "run") return command.spec.name === "stop";
  const words = message
    .toLowerCase()
    .replaceAll("’", "'")
    .replaceAll(/[\s.,!?…。！？]+/gu, " ")
    .trim();
  return STOP_WORDS.has(words);
}

/** True when it changes something of its session, or of the gateway. */
export function isChange(command: Command | undefined): boolean {
  if (command?.do !== "run") return false;
  const { changes } = command.spec;
  return changes === "always" || (changes === "asked" && command.args !== "");
}

/** Words after `/reset` that ask for another kind of reset, which there is not. */
export function isSoft(args: string): boolean {
  return /^soft(?:\s|$)/i.test(args);
}

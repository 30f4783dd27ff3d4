/** What is put around an answer in a chat, where its session wants that. Pure. */
import type { SessionSettings } from "../../store/session.ts";
import type { SessionEntry } from "../../store/entry.ts";
import { count } from "./text.ts";

/** Tools named above an answer, and what of their input is shown. */
const MAX_CALLS = 20;
const MAX_INPUT_UNITS = 160;

/** An answer with the tools that were used above it, and the tokens under it. */
export function dressed(
  text: string,
  { messages, usage, run }: Pick<SessionEntry, "messages" | "usage" | "run">,
  { verboseLevel, responseUsage }: SessionSettings,
): string {
  const above = toolLines(messages, verboseLevel);
  const spent = `${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`;
  const model = run?.model === undefined ? "" : ` · ${run.model}`;
  const under =
    responseUsage === "full"
      ? [`${spent}${model}`]
      : ["tokens", "on"].includes(String(responseUsage))
        ? [spent]
        : [];
  return [...above, text, ...under].join("\n\n");
}

function toolLines(messages: SessionEntry["messages"], level: unknown): string[] {
  if (level !== "on" && level !== "full") return [];
  const calls = messages.flatMap((message) =>
    message.role === "assistant" ? message.toolCalls : [],
  );
  const lines = calls.slice(0, MAX_CALLS).map(({ name, input }) => {
    const shown = input.replaceAll(/\s+/g, " ").replaceAll("`", "'").slice(0, MAX_INPUT_UNITS);
    return level === "full" ? `🔧 ${name}: \`${shown.toWellFormed()}\`` : `🔧 ${name}`;
  });
  const left = calls.length - lines.length;
  const all = left > 0 ? [...lines, `… and ${left} more`] : lines;
  return all.length === 0 ? [] : [all.join("\n")];
}

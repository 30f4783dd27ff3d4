/** What may follow what on the command line, read out of the pages of the commands. Pure. */
import type { Command, Page } from "../command.ts";

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  /** Words that may follow it, with the flags that then may. */
  readonly actions: ReadonlyMap<string, readonly string[]>;
  /** Of the command itself. */
  readonly flags: readonly string[];
}

const FLAG = /(?<![\w-])--[a-z][a-z0-9-]*/g;
const WORD = /^[a-z][a-z0-9-]*$/;

/** Sorted, so that the same program always gives the same script. */
export function wordsOf(name: string, command: Command): CommandWords {
  const unnamed = command.actions?.get(command.unnamed ?? "");
  const text = [command, ...(unnamed === undefined ? [] : [unnamed])].map(textOf).join("\n");
  const actions = new Map<string, readonly string[]>();
  for (const action of namesIn(command)) {
    const page = command.actions?.get(action);
    const own = page === undefined ? flagsIn(linesOf(action, command)) : flagsOf(page);
    actions.set(action, own);
  }
  return { name, summary: command.summary, actions, flags: flagsIn(text) };
}

/** Those with a page of their own, and those that its first line names: `list|add|remove`. */
function namesIn({ usage, actions }: Command): string[] {
  const [, listed = ""] = usage.split(" ");
  const written = listed.includes("|") ? listed.replaceAll(/[[\]]/g, "").split("|") : [];
  return [...new Set([...(actions?.keys() ?? []), ...written])]
    .filter((word) => WORD.test(word))
    .toSorted();
}

function flagsOf(page: Page): string[] {
  return flagsIn(textOf(page));
}

function textOf({ usage, details = "" }: Page): string {
  return `${usage}\n${details}`;
}

/** What its line among the details says of an action. */
function linesOf(action: string, { details = "" }: Command): string {
  return details
    .split("\n")
    .filter((line) => line.trim().split(/\s/)[0] === action)
    .join("\n");
}

function flagsIn(text: string): string[] {
  return [...new Set([...text.matchAll(FLAG)].map(([flag]) => flag))].toSorted();
}

/** What may follow an action: of a command without such lists, all its flags. */
export function flagsAfter({ actions, flags }: CommandWords, action: string): readonly string[] {
  const own = actions.get(action) ?? [];
  return [...new Set([...(own.length === 0 ? flags : own), "--json", "--help"])].toSorted();
}

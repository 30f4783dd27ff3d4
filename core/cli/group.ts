import { GatewayError } from "../../shared/errors.ts";
import type { Command, Io, Page } from "./command.ts";

/** @returns The exit code. */
export type Action = (args: readonly string[], io: Io) => Promise<number>;

/**
 * A command that is several: each has a page of its own and is loaded when it is asked for.
 *
 * @param actions - What loads each, by name.
 * @param pages - What `--help` says of each, by the same names.
 */
export function groupOf(
  group: string,
  summary: string,
  actions: ReadonlyMap<string, () => Promise<Action>>,
  pages: ReadonlyMap<string, Page>,
): Command {
  return {
    usage: `${group} ${[...actions.keys()].join("|")} …`,
    summary,
    details: [...pages.values()]
      .map(({ usage, summary: does }) => `sallyport ${usage}\n    ${does}`)
      .join("\n"),
    actions: pages,

    async run([name = "", ...args], io) {
      const load = actions.get(name);
      if (load === undefined) {
        const known = [...actions.keys()].join(", ");
        throw new GatewayError("invalid_request", `${group} knows ${known}; try --help`);
      }
      return (await load())(args, io);
    },
  };
}

import { GatewayError } from "../../shared/errors.ts";
import type { Command, Io } from "./command.ts";
import { PAGES } from "./webhooks/help.ts";

type Action = (args: readonly string[], io: Io) => Promise<number>;

/** Loaded when asked for, as commands are. */
const ACTIONS: Readonly<Record<keyof typeof PAGES, () => Promise<Action>>> = {
  list: async () => (await import("./webhooks/list.ts")).list,
  show: async () => (await import("./webhooks/show.ts")).show,
  tail: async () => (await import("./webhooks/tail.ts")).tail,
  replay: async () => (await import("./webhooks/replay.ts")).replay,
  "dead-letters": async () => (await import("./webhooks/dead-letters.ts")).deadLetters,
  routes: async () => (await import("./webhooks/routes.ts")).routes,
  test: async () => (await import("./webhooks/test-route.ts")).testRoute,
};
const LOADERS: ReadonlyMap<string, () => Promise<Action>> = new Map(Object.entries(ACTIONS));
const NAMES: readonly string[] = Object.keys(ACTIONS);

const DETAILS = `  list          what came in, newest first; --state spooled: what waits at the edge
  show ID       one webhook from the edge to the reply; --body prints its bytes
  tail          what comes in from now on, until Ctrl-C; --forward URL sends it on
  replay ID …   runs webhooks again; or those that fit --route, --state, --since, --until
  dead-letters  list | replay | drop  ID … | --route NAME | --all
  routes        where senders post to, what a webhook sets off, what was refused and why
  test ROUTE    sends a signed sample; --event NAME, --wait until it is done

Each has its own flags, and an example: sallyport webhooks replay --help
--json is for programs: one document; tail: one a line.`;

export const webhooks: Command = {
  usage: `webhooks ${NAMES.join("|")} [--json] …`,
  summary: "See what came in and what became of it, run it again, send a sample",
  details: DETAILS,
  actions: new Map(Object.entries(PAGES)),

  async run(args, io) {
    const [name = "", ...rest] = args;
    const action = await LOADERS.get(name)?.();
    if (action !== undefined) return action(rest, io);
    throw new GatewayError("invalid_request", await hint(name));
  },
};

async function hint(name: string): Promise<string> {
  if (name === "" || name.startsWith("-")) return `usage: sallyport ${webhooks.usage}`;
  const { nearest } = await import("../config/issues/suggest.ts");
  const meant = nearest(name, NAMES);
  const remedy = meant === undefined ? `there is ${NAMES.join(", ")}` : `did you mean ${meant}?`;
  return `webhooks has no action ${JSON.stringify(name.slice(0, 64))}; ${remedy}`;
}

import { GatewayError } from "../../shared/errors.ts";
import type { Command, Io } from "./command.ts";

type Action = (args: readonly string[], io: Io) => Promise<number>;

/** Loaded when asked for, as commands are. */
const ACTIONS: ReadonlyMap<string, () => Promise<Action>> = new Map([
  ["list", async () => (await import("./webhooks/list.ts")).list],
  ["show", async () => (await import("./webhooks/show.ts")).show],
  ["tail", async () => (await import("./webhooks/tail.ts")).tail],
  ["replay", async () => (await import("./webhooks/replay.ts")).replay],
  ["dead-letters", async () => (await import("./webhooks/dead-letters.ts")).deadLetters],
  ["routes", async () => (await import("./webhooks/routes.ts")).routes],
  ["test", async () => (await import("./webhooks/test-route.ts")).testRoute],
]);

const DETAILS = `  list          what came in, newest first; --state spooled: what waits at the edge
  show ID       one webhook from the edge to the reply; --body prints its bytes
  tail          what comes in from now on, until Ctrl-C; --forward URL sends it on
  replay ID …   runs webhooks again; or those that fit --route, --state, --since, --until
  dead-letters  list | replay | drop  ID … | --route NAME | --all
  routes        where senders post to, how they are checked, what a webhook sets off
  test ROUTE    sends a signed sample; --event NAME, --wait until it is done

  --route NAME --state spooled|waiting|running|done|filtered|dead
  --since 90s|15m|1h|2d|DATE --until … --limit N
  --dry-run     tells what would run, and runs nothing
  --force       runs again what waits or runs already, and what is a replay itself
  --forward http://127.0.0.1:3000/path   method, headers and bytes as they came, to a server of
                yours; --allow-remote for one beyond this machine and its private network
  --json        one JSON document; tail: one a line
  --url URL --port N --token T --timeout MS`;

export const webhooks: Command = {
  usage: `webhooks ${[...ACTIONS.keys()].join("|")} [--json] …`,
  summary: "See what came in and what became of it, run it again, send a sample",
  details: DETAILS,

  async run(args, io) {
    const [name = "", ...rest] = args;
    const action = await ACTIONS.get(name)?.();
    if (action !== undefined) return action(rest, io);
    throw new GatewayError("invalid_request", `usage: sallyport ${webhooks.usage}`);
  },
};

/** `--help` of each action of `sallyport webhooks`. */
import type { Page } from "../command.ts";

const COMMON = `  --json           one JSON document, for programs
  --url URL, --port N, --token T, --timeout MS   another gateway than that of this machine`;

const FILTERS = `  --route NAME     of this route alone
  --state NAME     spooled, waiting, running, done, filtered or dead
  --since TIME     90s, 15m, 1h or 2d ago, or 2026-01-31T12:00Z
  --until TIME     likewise`;

const FORWARD = `  --forward URL    method, headers and bytes as they came, to a server of yours
  --allow-remote   also to one beyond this machine and its private network`;

/** By the name of the action. */
export const PAGES = {
  list: page("list [--route NAME] [--state NAME] [--since TIME] [--until TIME]", {
    summary: "What came in, newest first.",
    flags: `${FILTERS}
  --limit N        at most so many (50)`,
    example: "list --route github --state dead --since 1d",
  }),
  show: page("show ID [--body]", {
    summary:
      "One webhook from the edge to the reply, by its id, its place in the log or its trace id.",
    flags: "  --body           prints its body and nothing else",
    example: "show github:72d3162e-cc78-11e3-81ab-4c9367dc0958",
  }),
  tail: page("tail [--route NAME] [--state NAME] [--since TIME] [--forward URL]", {
    summary: "What comes in from now on, until Ctrl-C.",
    flags: `  --route NAME     of this route alone
  --state NAME     waiting, running, done, filtered or dead
  --since TIME     begins with what came since then: 90s, 15m, 1h, 2d ago, or 2026-01-31T12:00Z
${FORWARD}`,
    example: "tail --route stripe --forward http://127.0.0.1:3000/hooks",
  }),
  replay: page("replay ID … | --route NAME | --state NAME | --since TIME | --until TIME", {
    summary: "Runs webhooks of the log again, as new work by the settings of now; oldest first.",
    flags: `${FILTERS.replace("spooled, ", "")}
  --limit N        at most so many (50)
  --dry-run        tells what would run, and runs nothing
  --force          also what waits or runs already, and what is a replay itself
${FORWARD}
                   With --forward nothing is run here`,
    example: "replay --route github --since 1h --dry-run",
  }),
  "dead-letters": page("dead-letters [list] | replay|drop ID … | --route NAME | --all", {
    summary: "What was given up, at the edge and here.",
    flags: `  --route NAME     those of this route
  --all            all of them
  --limit N        of list: at most so many (50)`,
    example: "dead-letters replay --route github",
  }),
  routes: page("routes", {
    summary:
      "Where senders post to, how they are checked, what a webhook sets off, and how many were\n" +
      "turned away for which reason: the edge tells within a minute.",
    flags: undefined,
    example: "routes --json",
  }),
  test: page("test ROUTE [--event NAME] [--wait]", {
    summary: "Sends a signed sample the way its sender would.",
    flags: `  --event NAME     the sender's name of the event; a wrong one is answered with those there are
  --wait           until its work is done; shows what the agent answered`,
    example: "test github --event issues --wait",
  }),
} as const satisfies Readonly<Record<string, Page>>;

function page(
  usage: string,
  parts: {
    readonly summary: string;
    readonly flags: string | undefined;
    readonly example: string;
  },
): Page {
  const flags = parts.flags === undefined ? COMMON : `${parts.flags}\n${COMMON}`;
  const details = `${flags}\n\nExample:\n\n  sallyport webhooks ${parts.example}`;
  return { usage: `webhooks ${usage} [--json]`, summary: parts.summary, details };
}

import type { Page } from "./command.ts";
import { groupOf, type Action } from "./group.ts";

const ACTIONS: ReadonlyMap<string, () => Promise<Action>> = new Map([
  ["audit", async () => (await import("./secrets/audit.ts")).audit],
  ["configure", async () => (await import("./secrets/configure.ts")).configure],
  ["apply", async () => (await import("./secrets/apply.ts")).apply],
  ["reload", async () => (await import("./secrets/reload.ts")).reload],
  ["store", async () => (await import("./secrets/store.ts")).store],
]);

const PAGES: ReadonlyMap<string, Page> = new Map([
  [
    "audit",
    {
      usage: "secrets audit [--check] [--allow-exec] [--json]",
      summary: "Find secrets that stand in clear, and references that lead nowhere",
      details: `--check exits with 1 when there is anything to say. References that cannot be resolved exit with 2 in any case.
--allow-exec starts the programs of secrets.providers to ask them as well.`,
    },
  ],
  [
    "configure",
    {
      usage:
        "secrets configure [--to store|env] [--path SETTING]… [--dry-run | --apply [--yes]] [--plan-out FILE] [--json]",
      summary: "Move secrets out of the config, and leave a reference in their place",
      details: `First it says what it would do; then it asks, unless --apply --yes is given. Where nobody can be asked, nothing is done.
--to store   the store of the state folder (the default); --to env: the .env of the state folder
--plan-out   writes the plan, which holds no secret, for sallyport secrets apply --from FILE
Earlier versions of the config that hold a moved secret are removed.`,
    },
  ],
  [
    "apply",
    {
      usage: "secrets apply --from FILE [--dry-run] [--allow-exec] [--json]",
      summary: "Carry out a plan of secrets configure",
      details:
        "--dry-run checks it and writes nothing. There is no way back but to write the secrets again.",
    },
  ],
  [
    "reload",
    {
      usage: "secrets reload [--url URL --token TOKEN] [--timeout MS] [--json]",
      summary: "Have the running gateway read all secrets again",
    },
  ],
  [
    "store",
    {
      usage: "secrets store list|set|get|remove|import …",
      summary: "Keep secrets in a file of the state folder that only its owner can read",
      details: `list [--plain]
set NAME [--kind secret|env] [--value-file FILE | --value TEXT] [--dry-run]
    The value is read from stdin, from a file (- is stdin), or asked for without being shown. --value is for
    --kind env alone: arguments are seen by whoever sees the list of processes.
get NAME                     what is of kind env; a secret is never shown
remove NAME… [--yes] [--dry-run]
import [--from FILE] [--yes] [--dry-run]    lines like NAME=VALUE

All take --json. They exit with 2 for what cannot be done as asked, and with 3 for a name that is not there. Names are upper case, like OPENAI_API_KEY. The config refers to one by
{ source: "store", provider: "default", id: "OPENAI_API_KEY" }; a running gateway takes a change over by itself.`,
    },
  ],
]);

export const secrets = groupOf("secrets", "Find, move, keep and reload secrets", ACTIONS, PAGES);

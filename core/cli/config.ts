import type { Page } from "./command.ts";
import { groupOf, type Action } from "./group.ts";

/** Reading needs none of what writing does. */
const ACTIONS: ReadonlyMap<string, () => Promise<Action>> = new Map([
  ["get", async () => (await import("./config/read.ts")).get],
  ["show", async () => (await import("./config/read.ts")).show],
  ["file", async () => (await import("./config/read.ts")).file],
  ["validate", async () => (await import("./config/read.ts")).validate],
  ["schema", async () => (await import("./config/schema.ts")).schema],
  ["set", async () => (await import("./config/set.ts")).set],
  ["unset", async () => (await import("./config/write.ts")).unset],
  ["patch", async () => (await import("./config/write.ts")).patch],
]);

const PATHS = `A path is written like gateway.port, agents.list[0].name or models.providers["x.y"].`;

const PAGES: ReadonlyMap<string, Page> = new Map([
  [
    "get",
    {
      usage: "config get PATH [--json]",
      summary: "Print one setting of the file, with its variables filled in; secrets are not shown",
      details: `${PATHS} What the file says nothing of is printed as it is by default,
which a line on stderr says.`,
    },
  ],
  [
    "set",
    {
      usage:
        "config set PATH VALUE|--ref-… | --batch-json JSON | --batch-file FILE  [--merge|--replace] [--strict-json] [--dry-run] [--force] [--json]",
      summary: "Write settings into the file: JSON5, or plain text when it is none; all or nothing",
      details: `${PATHS}

--strict-json takes standard JSON alone. --json prints the outcome as JSON.
--merge adds to an object, or to a list of things with ids. --replace may lose entries of what is gathered bit by
bit, as models.providers and agents.entries are; without it that is refused.
--ref-source env|file|exec|store --ref-provider NAME --ref-id ID
    a reference to a secret in the place of the value; one that leads nowhere yet is written all the same, with a
    warning that says what is missing and how to add it
--provider-source env|file|exec|store --provider-path … --provider-command … --provider-arg …
    a provider of secrets, at secrets.providers.NAME
--batch-json '[{"path": "a.b", "value": 1}, {"path": "c.d", "ref": {…}}, {"path": "secrets.providers.x", "provider": {…}}]'
--expect-current-json JSON, --expect-current-absent: writes only when the setting is that
--dry-run checks, looks whether references lead to a secret, and writes nothing; --allow-exec: also those to programs
--force writes what looks like an accident: a config that loses gateway.mode or more than half of itself.`,
    },
  ],
  [
    "unset",
    {
      usage: "config unset PATH [--dry-run] [--force] [--json]",
      summary: "Take one setting out of the file",
      details: PATHS,
    },
  ],
  [
    "patch",
    {
      usage:
        "config patch (--file FILE | --stdin) [--replace-path PATH]… [--dry-run] [--force] [--json]",
      summary: "Merge a JSON5 object into the file: objects by key, null takes out",
    },
  ],
  [
    "show",
    {
      usage: "config show [--json]",
      summary: "Print the whole config as it is in effect, defaults and all; secrets are not shown",
    },
  ],
  [
    "validate",
    {
      usage: "config validate [--json]",
      summary: "Say whether a gateway would start with the file; exits 1 when it would not",
    },
  ],
  ["file", { usage: "config file [--json]", summary: "Print where the config file is" }],
  ["schema", { usage: "config schema [PATH]", summary: "Print what may be set, as JSON Schema" }],
]);

export const config = groupOf(
  "config",
  "Read, check and change the config file; a gateway need not run",
  ACTIONS,
  PAGES,
);

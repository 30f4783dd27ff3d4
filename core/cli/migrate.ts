import { GatewayError } from "../../shared/errors.ts";
import { whyReadOnly } from "../config/write/read-only.ts";
import type { Migration } from "../migrate/migrate.ts";
import type { Outcome, Part } from "../migrate/step.ts";
import { type Command, type Io, parseFlags } from "./command.ts";

/** Of one kind of piece; `--json` has all. */
const MAX_SHOWN = 20;

const TITLES = {
  config: "config",
  variables: "variables (.env)",
  keys: "keys of providers",
  workspace: "files of workspaces",
  sessions: "sessions",
  cron: "scheduled jobs",
  devices: "paired devices",
} as const satisfies Record<Part, string>;

export const migrate: Command = {
  usage: "migrate --from openclaw [--source DIR] [--apply] [--in-place] [--json]",
  summary: "Take over what OpenClaw has: config, keys, workspace, sessions, jobs, devices",
  details: `Without --apply nothing is written: it says what would be done, what would not, and why.
OpenClaw's folder is only read: ~/.openclaw, or --source DIR. What is here already stays as it is, so it can be
repeated. Stop the gateway for it. Values of variables and keys are never shown.

When both have the same folder, say where ours is to be:
  OPENCLAW_STATE_DIR=~/.sallyport sallyport migrate --from openclaw --source ~/.openclaw --apply
or --in-place, once OpenClaw is stopped for good.`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, {
      from: { type: "string" },
      source: { type: "string" },
      apply: { type: "boolean" },
      "in-place": { type: "boolean" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
    });
    const { from, apply = false, "dry-run": dryRun = false } = values;
    if (from !== "openclaw" || positionals.length > 0) {
      throw new GatewayError("invalid_request", `usage: sallyport ${migrate.usage}; try --help`);
    }
    if (apply && dryRun) {
      throw new GatewayError("invalid_request", "--apply and --dry-run say opposite things");
    }
    const readOnly = apply ? whyReadOnly(io.env) : undefined;
    if (readOnly !== undefined) throw new GatewayError("forbidden", readOnly);
    const { migrate: carryOut } = await import("../migrate/migrate.ts");
    const { env, cwd, home, uid } = io;
    const migration = await carryOut({
      surroundings: { env, cwd, home },
      uid,
      from: values.source,
      apply,
      inPlace: values["in-place"] === true,
      now: Date.now,
      hostZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    });
    if (values.json === true) tellPrograms(migration, apply, io);
    else tellPeople(migration, apply, io);
    return migration.outcomes.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  },
};

function tellPrograms({ outcomes, ...where }: Migration, apply: boolean, io: Io): void {
  const counts = Object.fromEntries(
    Object.keys(TITLES).map((part) => [
      part,
      countsOf(outcomes.filter((one) => one.part === part)),
    ]),
  );
  const ok = !outcomes.some(({ outcome }) => outcome === "failed");
  io.out(JSON.stringify({ ok, applied: apply, ...where, counts, items: outcomes }));
}

function countsOf(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return Object.fromEntries(counts);
}

const WORDS = {
  add: "to bring over",
  added: "brought over",
  same: "here already",
  kept: "ours stays",
  left: "not brought over",
  failed: "failed",
} as const satisfies Record<Outcome["outcome"], string>;

function tellPeople({ outcomes, ...where }: Migration, apply: boolean, io: Io): void {
  io.out(`from ${where.source}`);
  io.out(`to   ${where.stateDir}`);
  for (const [part, title] of Object.entries(TITLES)) {
    const own = outcomes.filter((one) => one.part === part);
    io.out("");
    io.out(`${title}: ${own.length === 0 ? "none" : countText(own)}`);
    const told = own.filter(({ outcome, note }) => outcome !== "same" || note !== undefined);
    for (const { name, outcome, note } of told.slice(0, MAX_SHOWN)) {
      io.out(`  ${WORDS[outcome].padEnd(16)}  ${name}${note === undefined ? "" : `: ${note}`}`);
    }
    if (told.length > MAX_SHOWN) io.out(`  and ${told.length - MAX_SHOWN} more (--json has all)`);
  }
  io.out("");
  io.out(nextOf({ outcomes, ...where }, apply));
}

function countText(outcomes: readonly Outcome[]): string {
  const counts = countsOf(outcomes);
  return Object.entries(WORDS)
    .flatMap(([outcome, word]) =>
      counts[outcome] === undefined ? [] : [`${counts[outcome]} ${word}`],
    )
    .join(", ");
}

function nextOf({ isInPlace, source, outcomes }: Migration, apply: boolean): string {
  if (apply) {
    return "Done. Next: sallyport doctor, then sallyport gateway. Let only one of the two run: both would answer the same chats.";
  }
  if (isInPlace) {
    return `Nothing was written. Both have the same folder. To leave OpenClaw's alone:
  OPENCLAW_STATE_DIR=~/.sallyport sallyport migrate --from openclaw --source ${source} --apply
and start the gateway with the same variable. To go on in this folder, with OpenClaw stopped for good:
  sallyport migrate --from openclaw --apply --in-place`;
  }
  const has = outcomes.some(({ outcome }) => outcome === "add");
  return has
    ? "Nothing was written. Repeat this with --apply to do it."
    : "There is nothing to do.";
}

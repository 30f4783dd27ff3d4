import { GatewayError } from "../../shared/errors.ts";
import type { Command, Io, Page } from "./command.ts";

type Action = (args: readonly string[], io: Io) => Promise<number>;

const PAGES: Readonly<Record<string, Page>> = {
  add: {
    usage: "cron add --name NAME (--at WHEN | --every SPAN | --cron EXPR [--tz ZONE]) …",
    summary: "Makes a job",
    details: `What it does, one of:
  --message TEXT        asks the agent, in a session of its own
  --system-event TEXT   tells the main session; --wake now|next-heartbeat
When, one of:
  --at WHEN             once: 20m, 2026-12-24T18:00, with an offset or in --tz
  --every SPAN          10m, 1h30m
  --cron EXPR           five fields, or six with seconds; --tz ZONE, --stagger (or --jitter) SPAN, --exact
Further: --name --description --agent ID --session main|isolated|session:KEY --model REF
  --timeout-seconds N --announce --channel NAME --to ID --best-effort-deliver --no-deliver
  --delete-after-run --keep-after-run --disabled --missed skip|once|all --json

sallyport cron add "0 7 * * 1-5" "What is new?" --tz Europe/Berlin --announce`,
  },
  edit: {
    usage: "cron edit ID [flags of add] [--enable|--disable] [--clear-agent …]",
    summary: "Changes what a job is; what is not named stays",
  },
  list: { usage: "cron list [--all] [--agent ID] [--json]", summary: "The jobs, next one first" },
  get: { usage: "cron get ID", summary: "One job, as JSON" },
  show: { usage: "cron show ID|NAME [--json]", summary: "One job, for people" },
  run: {
    usage: "cron run ID [--due] [--wait] [--wait-timeout SPAN] [--json]",
    summary: "Runs a job now; --wait: until it has ended",
  },
  runs: {
    usage: "cron runs ID [--limit N] [--offset N] [--status ok|error|skipped] [--json]",
    summary: "What became of the runs of a job, newest first",
  },
  enable: { usage: "cron enable ID", summary: "Lets a job run again" },
  disable: { usage: "cron disable ID", summary: "Keeps a job from running" },
  remove: { usage: "cron remove ID", summary: "Removes a job; also rm" },
  scratch: {
    usage: "cron scratch ID [--set TEXT | --unset] [--expected-revision N] [--json]",
    summary: "Reads or replaces the private notes of a job",
  },
  status: { usage: "cron status [--json]", summary: "Whether jobs are run, and when the next" },
};

const ACTIONS: ReadonlyMap<string, () => Promise<Action>> = new Map([
  ["add", async () => (await import("./cron/add.ts")).add],
  ["edit", async () => (await import("./cron/edit.ts")).edit],
  ["list", async () => (await import("./cron/list.ts")).list],
  ["get", async () => (await import("./cron/show.ts")).get],
  ["show", async () => (await import("./cron/show.ts")).show],
  ["run", async () => (await import("./cron/run.ts")).run],
  ["runs", async () => (await import("./cron/runs.ts")).runs],
  ["enable", async () => (await import("./cron/change.ts")).enable],
  ["disable", async () => (await import("./cron/change.ts")).disable],
  ["remove", async () => (await import("./cron/change.ts")).remove],
  ["scratch", async () => (await import("./cron/scratch.ts")).scratch],
  ["status", async () => (await import("./cron/status.ts")).status],
]);
/** As people know them from elsewhere. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  rm: "remove",
  create: "add",
  delete: "remove",
};

export const cron: Command = {
  usage: `cron ${[...ACTIONS.keys()].join("|")} [--json] …`,
  summary: "Jobs that run by the clock: make, see, run and change them",
  details: Object.values(PAGES)
    .map(({ usage, summary }) => `  ${usage}\n      ${summary}`)
    .join("\n"),
  actions: new Map(Object.entries(PAGES)),

  async run(args, io) {
    const [name = "", ...rest] = args;
    const action = await ACTIONS.get(OTHER_NAMES[name] ?? name)?.();
    if (action !== undefined) return action(rest, io);
    if (name === "" || name.startsWith("-")) {
      throw new GatewayError("invalid_request", `usage: sallyport ${cron.usage}`);
    }
    const { nearest } = await import("../config/issues/suggest.ts");
    const meant = nearest(name, [...ACTIONS.keys()]);
    const remedy = meant === undefined ? "try --help" : `did you mean ${meant}?`;
    throw new GatewayError(
      "invalid_request",
      `cron has no action ${JSON.stringify(name.slice(0, 64))}; ${remedy}`,
    );
  },
};

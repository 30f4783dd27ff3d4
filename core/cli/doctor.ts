import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { Secret } from "../../shared/secret.ts";
import { resolvePaths } from "../config/paths.ts";
import { whyReadOnly } from "../config/write/read-only.ts";
import { CHECKS, describe, type Finding, summarize } from "../doctor/verdicts/finding.ts";
import type { Repair } from "../doctor/repair.ts";
import { readVersion } from "../gateway/version.ts";
import { type Command, ConfigFault, type Io, parseFlags } from "./command.ts";
import {
  isAtLeast,
  isSelected,
  isSeverity,
  type Selection,
  type Severity,
} from "./doctor/selection.ts";
import { elsewhereOf, TARGET_OPTIONS } from "./target.ts";

/** For each step; there are a dozen that ask somebody. */
const DEFAULT_TIMEOUT_MS = 5_000;

const Target = z.object({
  url: z.string().optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  token: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  edge: z.url({ protocol: /^https?$/ }).optional(),
  timeout: z.coerce.number().int().min(1).max(600_000).default(DEFAULT_TIMEOUT_MS),
});
type Target = z.output<typeof Target>;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const OPTIONS = {
  ...TARGET_OPTIONS,
  edge: text,
  deep: flag,
  json: flag,
  fix: flag,
  lint: flag,
  only: { type: "string", multiple: true },
  skip: { type: "string", multiple: true },
  "severity-min": text,
  "non-interactive": flag,
  yes: flag,
} as const;

export const doctor: Command = {
  usage:
    "doctor [--fix] [--deep] [--json] [--lint] [--only CHECK]… [--skip CHECK]… [--severity-min LEVEL] [--edge URL] [--timeout MS] [--url URL] [--port N] [--token T] [--password P]",
  summary:
    "Say which layer fails, from the config to the public address; exits 1 when one does. " +
    "--deep also asks the model and the channels, which may cost money",
  details: `--fix        closes files of ours to other users and removes what killed writes have left; says what it did
--lint       exits 1 for warnings as well
--only, --skip   a check like state.modes, or a layer like state; repeated, or with commas
--severity-min   info, warning or error: what is told
--json       {schemaVersion, ok, checksRun, checksSkipped, findings, checks}: findings are what is not well`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    const order = orderOf(values, positionals);
    const { json, fix, min, selection } = order;
    const repairs = fix ? await fixed(io) : undefined;
    if (!json) for (const one of repairs ?? []) io.out(repairLine(one));
    const tell = (finding: Finding): void => {
      const isWanted = isSelected(finding, selection) && isAtLeast(finding, min);
      if (!json && isWanted) io.out(describe(finding));
    };
    const findings = await findingsOf(order, tell, io);
    const selected = findings.filter((one) => isSelected(one, selection));
    if (json) {
      const { documentOf } = await import("./doctor/document.ts");
      io.out(JSON.stringify(documentOf(selected, repairs, min)));
    } else io.out(summarize(selected));
    return selected.some((one) => isAtLeast(one, order.failsAt)) ? 1 : 0;
  },
};

/** What somebody wants to know, and of what. */
interface Order {
  readonly target: Target;
  readonly deep: boolean;
  readonly json: boolean;
  readonly fix: boolean;
  readonly selection: Selection;
  /** What is told. */
  readonly min: Severity;
  readonly failsAt: Severity;
}

/** @throws GatewayError invalid_request */
function orderOf(
  values: ReturnType<typeof parseFlags<typeof OPTIONS>>["values"],
  positionals: readonly string[],
): Order {
  const target = targetIn(values, positionals);
  const { deep = false, json = false, fix = false, lint = false } = values;
  if (fix && (values.url !== undefined || lint)) {
    throw misused("--fix is for this machine, and goes with neither --url nor --lint");
  }
  const selection = selectionOf(values);
  const min = severityMin(values["severity-min"], lint);
  return { target, deep, json, fix, selection, min, failsAt: lint ? min : "error" };
}

function targetIn(values: object, positionals: readonly string[]): Target {
  const parsed = Target.safeParse(values);
  if (parsed.success && positionals.length === 0) return parsed.data;
  const name = parsed.error?.issues[0]?.path.join(".");
  throw misused(name === undefined ? "doctor takes flags alone" : `--${name} makes no sense`);
}

function misused(what: string): GatewayError {
  return new GatewayError("invalid_request", `${what}; try --help`);
}

/** Whoever lints wants to see what makes it fail. */
function severityMin(given: string | undefined, lint: boolean): Severity {
  const min = given ?? (lint ? "warning" : "info");
  if (isSeverity(min)) return min;
  throw misused("--severity-min is info, warning or error");
}

function selectionOf({
  only,
  skip,
}: {
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
}): Selection {
  const selection = { only: namesIn(only), skip: namesIn(skip) };
  const known = new Set<string>([...Object.keys(CHECKS), ...Object.values(CHECKS)]);
  const unknown = [...selection.only, ...selection.skip].find((name) => !known.has(name));
  if (unknown === undefined) return selection;
  throw misused(`there is no check and no layer "${unknown.slice(0, 64)}"`);
}

function namesIn(lists: readonly string[] = []): string[] {
  return lists.flatMap((list) => list.split(",")).filter((name) => name !== "");
}

/** @throws GatewayError forbidden where what would be put right is managed elsewhere. */
async function fixed(io: Io): Promise<readonly Repair[]> {
  const readOnly = whyReadOnly(io.env);
  if (readOnly !== undefined) throw new GatewayError("forbidden", `--fix: ${readOnly}`);
  const { repair } = await import("../doctor/repair.ts");
  return repair(resolvePaths(io), Date.now());
}

function repairLine({ checkId, message, path }: Repair): string {
  return `fixed    ${checkId}  ${path}: ${message}`;
}

async function findingsOf(
  { target: { edge, timeout, ...asked }, deep }: Order,
  tell: (finding: Finding) => void,
  io: Io,
): Promise<readonly Finding[]> {
  const [{ examine }, { Report }, { callGateway }, { pidsOnPort }] = await Promise.all([
    import("../doctor/examine/examine.ts"),
    import("../doctor/report.ts"),
    import("./client.ts"),
    import("./gateway/port-holders.ts"),
  ]);
  const whom = await whomToAsk(asked, io);
  // People watch it go from layer to layer; programs want it whole.
  const report = new Report(tell);
  const { env, cwd, home, uid } = io;
  await examine(
    {
      surroundings: { env, cwd, home, uid, flags: {} },
      ...whom,
      port: asked.port,
      edge: edge === undefined ? undefined : new URL(edge),
      timeoutMs: timeout,
      deep,
      version: readVersion(),
      call: callGateway,
      portHolders: pidsOnPort,
      now: Date.now,
    },
    report,
  );
  return report.findings;
}

/** What names a gateway elsewhere, as people know it. */
const NAMED_BY = {
  flag: "--url",
  env: "OPENCLAW_GATEWAY_URL",
  remote: "gateway.remote",
  local: undefined,
} as const;

/** The gateway that every other command would ask, with what opens it. */
async function whomToAsk({ url, port, token, password }: Omit<Target, "edge" | "timeout">, io: Io) {
  const flags = { url, port: port === undefined ? undefined : String(port), token, password };
  const elsewhere = await elsewhereOf(flags, io).catch((error: unknown) => {
    // That is for the check of the config to tell.
    if (error instanceof ConfigFault) return undefined;
    throw error;
  });
  if (elsewhere === undefined) {
    const given = token ?? password;
    return { url: undefined, token: given === undefined ? undefined : new Secret(given) };
  }
  const { source = "flag", ...target } = elsewhere;
  const urlFrom = NAMED_BY[source];
  return { url: target.url, urlFrom, token: target.token ?? target.password };
}

import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { printable } from "./printable.ts";
import { SETUP_OPTIONS, showSetupCode } from "./qr.ts";
import { type Call, callerOf } from "./store-desk.ts";
import { TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  latest: { type: "boolean" },
  device: { type: "string" },
  role: { type: "string" },
  scope: { type: "string", multiple: true },
  name: { type: "string" },
  yes: { type: "boolean" },
  pending: { type: "boolean" },
  revoke: { type: "boolean" },
  ...SETUP_OPTIONS,
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

const Named = {
  deviceId: z.string(),
  displayName: z.string().optional(),
  clientId: z.string().optional(),
  platform: z.string().optional(),
  role: z.string().optional(),
  scopes: z.array(z.string()).default([]),
} as const;
const Pending = z.object({
  ...Named,
  requestId: z.string(),
  remoteIp: z.string().optional(),
  ts: z.number(),
});
const Paired = z.object({
  ...Named,
  operatorLabel: z.string().optional(),
  approvedVia: z.string().optional(),
  connected: z.boolean().optional(),
  lastSeenAtMs: z.number().optional(),
});
const Listed = z.object({ pending: z.array(Pending), paired: z.array(Paired) });
type Listed = z.output<typeof Listed>;

/** What an action prints: for programs the payload, for people a line. */
interface Told {
  readonly payload: unknown;
  readonly text: string;
}

type Action = (call: Call, words: readonly string[], values: Values) => Promise<Told>;

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["list", list],
  ["approve", approve],
  ["reject", reject],
  ["remove", remove],
  ["rename", rename],
  ["rotate", (call, words, values) => ofToken("rotate", call, words, values)],
  ["revoke", (call, words, values) => ofToken("revoke", call, words, values)],
  ["setup-code", revokeCodes],
  ["clear", clear],
]);

export const devices: Command = {
  usage: "devices list|approve|reject|remove|rename|rotate|revoke|setup-code|clear [--json] …",
  summary: "Show which devices may come in, and which ask to; let them in or shut them out",
  details: `  list
  approve <requestId> | --latest      the first letters of an id will do; --latest shows the last one
  reject <requestId>
  remove <deviceId>
  rename <deviceId> <name>
  rotate <deviceId> [--role operator] [--scope S …]
  revoke <deviceId> [--role operator]
  setup-code [--limited | --node]     lets in one new device, as \`sallyport qr\` does
  setup-code --revoke                 takes back all codes that were not used
  clear --yes [--pending]             all devices and codes, or only devices that wait`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    const [name = "list", ...words] = positionals;
    const { scope: _many, ...single } = values;
    if (name === "setup-code" && values.revoke !== true) {
      if (words.length > 0) throw usage();
      await showSetupCode(await callerOf(single, io), values, io);
      return 0;
    }
    const action = ACTIONS.get(name);
    if (action === undefined) throw usage();
    const given = values.device === undefined ? words : [values.device, ...words];
    const told = await action(await callerOf(single, io), given, values);
    print(told, values, io);
    return 0;
  },
};

function print({ payload, text }: Told, { json }: Values, io: Io): void {
  io.out(json === true ? JSON.stringify(payload) : text);
}

async function listed(call: Call): Promise<Listed> {
  return Listed.parse(await call("device.pair.list", {}));
}

async function list(call: Call, words: readonly string[]): Promise<Told> {
  if (words.length > 0) throw usage();
  const payload = await call("device.pair.list", {});
  const { pending, paired } = Listed.parse(payload);
  const lines = [
    ...pending.map((one) => `waits   ${one.requestId}  ${describe(one)}${addressOf(one)}`),
    ...paired.map(
      (one) =>
        (one.connected === true ? "here" : "paired").padEnd(8) +
        `${one.deviceId}  ${describe(one)}`,
    ),
  ];
  return { payload, text: lines.length === 0 ? "no devices" : lines.join("\n") };
}

async function approve(call: Call, words: readonly string[], values: Values): Promise<Told> {
  const { pending } = await listed(call);
  if (values.latest === true) {
    const latest = pending.toSorted((a, b) => b.ts - a.ts)[0];
    if (latest === undefined) throw new GatewayError("not_found", "no device waits");
    const { requestId } = latest;
    const text = `${describe(latest)}${addressOf(latest)}\nsallyport devices approve ${requestId}`;
    return { payload: { requestId, request: latest }, text };
  }
  const request = oneOf(pending, words, ({ requestId }) => requestId, "request");
  const payload = await call("device.pair.approve", { requestId: request.requestId });
  return { payload, text: `${describe(request)} may come in now` };
}

async function reject(call: Call, words: readonly string[]): Promise<Told> {
  const { pending } = await listed(call);
  const request = oneOf(pending, words, ({ requestId }) => requestId, "request");
  const payload = await call("device.pair.reject", { requestId: request.requestId });
  return { payload, text: `${describe(request)} stays out` };
}

async function remove(call: Call, words: readonly string[]): Promise<Told> {
  const device = await pairedDevice(call, words);
  const payload = await call("device.pair.remove", { deviceId: device.deviceId });
  return { payload, text: `${describe(device)} is forgotten` };
}

async function rename(call: Call, words: readonly string[], values: Values): Promise<Told> {
  const [id = "", ...rest] = words;
  const label = (values.name ?? rest.join(" ")).trim();
  if (label === "") throw usage();
  const { deviceId } = await pairedDevice(call, [id]);
  const payload = await call("device.pair.rename", { deviceId, label });
  return { payload, text: `${deviceId} is called ${printable(label)} now` };
}

async function ofToken(
  what: "rotate" | "revoke",
  call: Call,
  words: readonly string[],
  values: Values,
): Promise<Told> {
  const { deviceId } = await pairedDevice(call, words);
  const { role = "operator", scope } = values;
  const scopes = what === "rotate" && scope !== undefined ? { scopes: scope } : {};
  const payload = await call(`device.token.${what}`, { deviceId, role, ...scopes });
  const done =
    what === "rotate"
      ? "has a new token, which it is told when it comes back"
      : "has no token any more";
  return { payload, text: `${deviceId} ${done}` };
}

async function revokeCodes(call: Call, words: readonly string[]): Promise<Told> {
  if (words.length > 0) throw usage();
  const payload = await call("device.pair.setupRevoke", {});
  const { revoked } = z.object({ revoked: z.number() }).parse(payload);
  return { payload, text: `${revoked} codes open nothing any more` };
}

async function clear(call: Call, words: readonly string[], values: Values): Promise<Told> {
  if (words.length > 0) throw usage();
  if (values.yes !== true) {
    throw new GatewayError("invalid_request", "this forgets devices: say --yes to do it");
  }
  const { pending, paired } = await listed(call);
  for (const { requestId } of pending) await call("device.pair.reject", { requestId });
  const gone = values.pending === true ? [] : paired;
  if (values.pending !== true) await call("device.pair.setupRevoke", {});
  for (const { deviceId } of gone) await call("device.pair.remove", { deviceId });
  const payload = {
    removedDevices: gone.map(({ deviceId }) => deviceId),
    rejectedPending: pending.map(({ requestId }) => requestId),
  };
  return { payload, text: `forgot ${gone.length} devices and ${pending.length} requests` };
}

async function pairedDevice(
  call: Call,
  words: readonly string[],
): Promise<Listed["paired"][number]> {
  const { paired } = await listed(call);
  return oneOf(paired, words, ({ deviceId }) => deviceId, "device");
}

/** The one whose id begins so. */
function oneOf<T>(
  all: readonly T[],
  words: readonly string[],
  idOf: (one: T) => string,
  what: string,
): T {
  const [prefix = "", ...more] = words;
  if (prefix === "" || more.length > 0) throw usage();
  const found = all.filter((one) => idOf(one).startsWith(prefix.toLowerCase()));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const count = found.length === 0 ? "no" : "more than one";
  throw new GatewayError(
    "not_found",
    `${count} ${what} has an id that begins with ${printable(prefix)}`,
  );
}

function describe(one: Listed["paired"][number] | Listed["pending"][number]): string {
  const label = "operatorLabel" in one ? one.operatorLabel : undefined;
  const name = label ?? one.displayName ?? one.clientId ?? one.deviceId.slice(0, 12);
  const facts = [one.platform ?? "", one.role ?? "", one.scopes.join(",")];
  return [name, ...facts]
    .filter((fact) => fact !== "")
    .map((fact) => printable(fact))
    .join("  ");
}

function addressOf({ remoteIp }: Listed["pending"][number]): string {
  return remoteIp === undefined ? "" : `  from ${printable(remoteIp)}`;
}

function usage(): GatewayError {
  return new GatewayError("invalid_request", `usage: sallyport ${devices.usage}; try --help`);
}

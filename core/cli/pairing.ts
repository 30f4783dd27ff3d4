import * as z from "zod";
import { randomBytes } from "node:crypto";
import { GatewayError } from "../../shared/errors.ts";
import { systemClock } from "../channels/clock.ts";
import { CHANNELS, isChannelId } from "../channels/registry.ts";
import { commandLineContext } from "../methods/command-line.ts";
import { type Command, type Io, parseFlags, settingsOf } from "./command.ts";
import { printable } from "./printable.ts";
import { nobodyAt } from "./nobody.ts";
import { isOfThisMachine, targetOf, TARGET_OPTIONS } from "./target.ts";

const Requests = z.object({
  requests: z.array(
    z.object({ code: z.string(), sender: z.string(), name: z.string(), createdAt: z.number() }),
  ),
});
const Approved = z.object({ sender: z.string(), name: z.string() });

const OPTIONS = {
  ...TARGET_OPTIONS,
  channel: { type: "string" },
  json: { type: "boolean" },
} as const;

export const pairing: Command = {
  usage: "pairing list <channel> | pairing approve <channel> <code>",
  summary: "Show strangers who wrote to the bot, and let one in",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    const [action, ...rest] = positionals;
    const [channel, code, ...more] =
      values.channel === undefined ? rest : [values.channel, ...rest];
    const json = values.json ?? false;
    requireChannel(channel);
    if (channel !== undefined && more.length === 0) {
      if (action === "list" && code === undefined) {
        const payload = await call("pairing.list", { channel }, values, io);
        io.out(json ? JSON.stringify(payload) : describe(Requests.parse(payload)));
        return 0;
      }
      if (action === "approve" && code !== undefined) {
        const payload = await call("pairing.approve", { channel, code }, values, io);
        const { sender, name } = Approved.parse(payload);
        io.out(
          json ? JSON.stringify(payload) : `${printable(name)} (${printable(sender)}) may talk now`,
        );
        return 0;
      }
    }
    throw new GatewayError("invalid_request", `usage: sallyport ${pairing.usage}`);
  },
};

/** @throws GatewayError invalid_request */
function requireChannel(channel: string | undefined): void {
  if (channel === undefined || isChannelId(channel)) return;
  const known = Object.keys(CHANNELS).join(", ");
  const message = `no channel "${printable(channel)}"; there is ${known}`;
  throw new GatewayError("invalid_request", message);
}

/** Through the gateway while one runs, since it holds the store; else in the store itself. */
async function call(
  method: "pairing.list" | "pairing.approve",
  params: object,
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<unknown> {
  const { callGateway } = await import("./client.ts");
  const target = await targetOf(flags, io);
  const answer = await callGateway(target, method, params);
  if (answer !== undefined) return answer.payload;
  if (!isOfThisMachine(target)) throw nobodyAt(target);
  return callStore(method, params, io);
}

async function callStore(method: string, params: object, io: Io): Promise<unknown> {
  const [{ openSqliteStore }, { Pairing }, { pairingMethods }, { stateDir }] = await Promise.all([
    import("../store/sqlite/open.ts"),
    import("../channels/pairing.ts"),
    import("../gateway/methods/pairing-methods.ts"),
    settingsOf(io),
  ]);
  await using store = await openSqliteStore({ stateDir, now: systemClock.now });
  const methods = new Map(
    pairingMethods(new Pairing({ store, now: systemClock.now, randomBytes })),
  );
  return methods.get(method)?.call(params, commandLineContext(io.stop));
}

function describe({ requests }: z.output<typeof Requests>): string {
  if (requests.length === 0) return "nobody is waiting";
  return requests
    .map(({ code, sender, name, createdAt }) =>
      [code, printable(sender), printable(name), new Date(createdAt).toISOString()].join("  "),
    )
    .join("\n");
}

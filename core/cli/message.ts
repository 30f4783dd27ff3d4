import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { answering } from "./manage.ts";
import { printable } from "./printable.ts";
import { targetOf, TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  channel: { type: "string" },
  to: { type: "string" },
  target: { type: "string", short: "t" },
  message: { type: "string", short: "m" },
  "dry-run": { type: "boolean" },
} as const;

/** A message is written down before it is acknowledged. */
const TIMEOUT_MS = 10_000;

const Sent = z.looseObject({ messageId: z.string().optional(), status: z.string().optional() });

export const message: Command = {
  usage: "message send --channel ID --to TARGET --message TEXT [--dry-run] [--json]",
  summary: "Send a message to a conversation of a channel",

  run: (args, io) => answering(args, io, () => run(args, io)),
};

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const to = values.target ?? values.to;
  const { channel, message: text, "dry-run": dryRun = false } = values;
  const isSend = positionals.length === 1 && positionals[0] === "send";
  if (!isSend || channel === undefined || to === undefined || text === undefined) {
    throw new GatewayError("invalid_request", `usage: sallyport ${message.usage}`);
  }
  const { askGateway } = await import("./client.ts");
  const how = { timeoutMs: TIMEOUT_MS, stop: io.stop };
  const params = {
    channel,
    action: "send",
    params: { channel, target: to, to, message: text, dryRun },
    idempotencyKey: crypto.randomUUID(),
  };
  const payload = await askGateway(await targetOf(values, io), "message.action", params, how);
  const sent = Sent.parse(payload);
  const { messageId = null } = sent;
  const report = { action: "send", channel, dryRun, handledBy: "gateway", messageId, payload };
  if (values.json === true) io.out(JSON.stringify(report));
  else if (dryRun) io.out(`would be sent to ${printable(to)} on ${printable(channel)}`);
  else io.out(`queued for ${printable(to)} on ${printable(channel)}`);
  return 0;
}

import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { answering } from "./manage.ts";
import { printable } from "./printable.ts";
import { targetOf, TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  message: { type: "string", short: "m" },
  agent: { type: "string" },
  "session-id": { type: "string" },
  "session-key": { type: "string" },
  to: { type: "string", short: "t" },
  deliver: { type: "boolean" },
  channel: { type: "string" },
  "reply-channel": { type: "string" },
  "reply-to": { type: "string" },
  model: { type: "string" },
  thinking: { type: "string" },
  verbose: { type: "string" },
} as const;

/** Longest a turn may take, seconds. */
const DEFAULT_TIMEOUT_S = 600;
/** What a gateway may need beside the turn itself. */
const GRACE_MS = 10_000;
/** UTF-16 units of a line that is printed. */
const MAX_LINE_UNITS = 1_000_000;

const Seconds = z.coerce.number().int().min(1).max(86_400).default(DEFAULT_TIMEOUT_S);
const Accepted = z.object({ runId: z.string() });
const Delta = z.object({ runId: z.string(), state: z.literal("delta"), deltaText: z.string() });
const Final = z.object({
  result: z.object({
    payloads: z.array(z.object({ text: z.string() })),
    meta: z.object({ aborted: z.boolean() }),
  }),
});

export const agent: Command = {
  usage: "agent --message TEXT [--agent ID] [--session-key KEY | --session-id ID] [--json] …",
  summary: "Ask an agent something, through the gateway",
  details: `  --message TEXT         what to ask
  --agent ID             whom; default: the default agent
  --session-key KEY      in which session; default: the main one of the agent
  --session-id ID        the same by its id
  --deliver              send the answer to a channel as well: --channel, and --to or --reply-to;
                         default: where the session was last talked in from
  --model REF            another model for this turn
  --thinking LEVEL       how much it thinks in this turn: off, minimal, low, medium, high, xhigh, adaptive, max
  --timeout SECONDS      longest the turn may take (${DEFAULT_TIMEOUT_S})
  --json                 print the answer as the gateway gives it`,

  run: (args, io) => answering(args, io, () => run(args, io)),
};

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const message = values.message ?? positionals.join(" ");
  if (message.trim() === "") {
    throw new GatewayError("invalid_request", `usage: sallyport ${agent.usage}`);
  }
  const seconds = Seconds.safeParse(values.timeout);
  if (!seconds.success)
    throw new GatewayError("invalid_request", "--timeout must be a number of seconds");
  const { timeout: _seconds, ...flags } = values;
  const target = await targetOf(flags, io);
  const { askGateway } = await import("./client.ts");
  const lines = new Lines(io);
  let runId: string | undefined;
  const payload = await askGateway(target, "agent", paramsOf(message, values, seconds.data), {
    timeoutMs: seconds.data * 1_000 + GRACE_MS,
    stop: io.stop,
    expectFinal: true,
    onAccepted: (accepted) => {
      runId = Accepted.safeParse(accepted).data?.runId;
    },
    onEvent(event, given) {
      const delta =
        event === "chat" && values.json !== true ? Delta.safeParse(given).data : undefined;
      if (delta !== undefined && delta.runId === runId) lines.add(delta.deltaText);
    },
  });
  if (values.json === true) io.out(JSON.stringify(payload));
  else
    lines.end(
      Final.parse(payload)
        .result.payloads.map(({ text }) => text)
        .join("\n\n"),
    );
  return 0;
}

type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

function paramsOf(message: string, values: Values, timeout: number): object {
  return {
    message,
    agentId: values.agent,
    sessionKey: values["session-key"],
    sessionId: values["session-id"],
    to: values.to,
    deliver: values.deliver ?? false,
    channel: values.channel,
    replyChannel: values["reply-channel"],
    replyTo: values["reply-to"],
    model: values.model,
    thinking: values.thinking,
    timeout,
    idempotencyKey: crypto.randomUUID(),
  };
}

/** Text as it comes, a whole line at a time. */
class Lines {
  readonly #io: Io;
  #rest = "";
  #hasSpoken = false;

  constructor(io: Io) {
    this.#io = io;
  }

  add(delta: string): void {
    const lines = (this.#rest + delta).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#print(line);
    this.#hasSpoken ||= delta !== "";
  }

  /** @param whole - The answer, for when nothing of it has come yet. */
  end(whole: string): void {
    if (!this.#hasSpoken) this.add(whole === "" ? "(no answer)" : whole);
    if (this.#rest !== "") this.#print(this.#rest);
  }

  #print(line: string): void {
    this.#io.out(printable(line.replaceAll("\t", "    "), MAX_LINE_UNITS));
  }
}

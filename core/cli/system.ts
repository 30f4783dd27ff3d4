import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, parseFlags } from "./command.ts";
import { printable } from "./printable.ts";
import { targetOf, TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  text: { type: "string" },
  mode: { type: "string" },
  json: { type: "boolean" },
} as const;

const Presence = z.array(
  z.looseObject({ text: z.string().optional(), host: z.string().optional() }),
);

/** Of `health`: who has a heartbeat. */
const Beating = z.object({
  agents: z.array(z.object({ heartbeat: z.object({ enabled: z.boolean() }) })),
});

interface Call {
  readonly method: string;
  readonly params: object;
  /** For people. */
  tell(payload: unknown): string;
  /** Asked for afterwards, and what is to be said of the answer, if anything. */
  readonly afterwards?: { readonly method: string; tell(payload: unknown): string | undefined };
}

interface Given {
  readonly text?: string | undefined;
  readonly mode?: string | undefined;
}

const DONE = (): string => "done";

/** By what was typed after `system`. */
const CALLS: ReadonlyMap<string, (given: Given) => Call> = new Map<string, (given: Given) => Call>([
  ["presence", () => ({ method: "system-presence", params: {}, tell: presenceText })],
  [
    "event",
    ({ text, mode = "next-heartbeat" }) => {
      if (text === undefined || (mode !== "now" && mode !== "next-heartbeat")) {
        throw new GatewayError(
          "invalid_request",
          "usage: sallyport system event --text TEXT [--mode now|next-heartbeat]",
        );
      }
      return { method: "wake", params: { mode, text }, tell: DONE };
    },
  ],
  [
    "heartbeat last",
    () => ({
      method: "last-heartbeat",
      params: {},
      tell: (payload) => (payload === null ? "no heartbeat yet" : JSON.stringify(payload)),
    }),
  ],
  [
    "heartbeat enable",
    () => ({
      method: "set-heartbeats",
      params: { enabled: true },
      tell: DONE,
      afterwards: { method: "health", tell: noneBeats },
    }),
  ],
  [
    "heartbeat disable",
    () => ({ method: "set-heartbeats", params: { enabled: false }, tell: DONE }),
  ],
]);

export const system: Command = {
  usage: "system presence | event --text TEXT [--mode now] | heartbeat last|enable|disable",
  summary: "Show who is there, tell the agent something, and look after its heartbeat",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    const call = CALLS.get(positionals.join(" "))?.(values);
    if (call === undefined) {
      throw new GatewayError("invalid_request", `usage: sallyport ${system.usage}`);
    }
    const { askGateway } = await import("./client.ts");
    const target = await targetOf(values, io);
    const payload = await askGateway(target, call.method, call.params);
    io.out(values.json === true ? JSON.stringify(payload) : call.tell(payload));
    const { afterwards } = call;
    if (afterwards === undefined) return 0;
    const note = afterwards.tell(await askGateway(target, afterwards.method, {}));
    if (note !== undefined) io.err(`warning: ${note}`);
    return 0;
  },
};

function noneBeats(payload: unknown): string | undefined {
  const health = Beating.safeParse(payload);
  if (!health.success || health.data.agents.some(({ heartbeat }) => heartbeat.enabled)) {
    return undefined;
  }
  return "no agent has a heartbeat yet: sallyport config set agents.defaults.heartbeat.every 30m";
}

function presenceText(payload: unknown): string {
  return Presence.parse(payload)
    .map(({ text, host }) => printable(text ?? host ?? "somebody", 200))
    .join("\n");
}

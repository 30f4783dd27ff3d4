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

interface Call {
  readonly method: string;
  readonly params: object;
  /** For people. */
  tell(payload: unknown): string;
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
  ["heartbeat enable", () => ({ method: "set-heartbeats", params: { enabled: true }, tell: DONE })],
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
    const payload = await askGateway(await targetOf(values, io), call.method, call.params);
    io.out(values.json === true ? JSON.stringify(payload) : call.tell(payload));
    return 0;
  },
};

function presenceText(payload: unknown): string {
  return Presence.parse(payload)
    .map(({ text, host }) => printable(text ?? host ?? "somebody", 200))
    .join("\n");
}

/** `channels.*`: how the channels are, and turning one off and on. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { ChannelProbe } from "../../channels/probe.ts";
import type { ChannelControl } from "../../channels/state.ts";
import type { Settings } from "../../config/settings.ts";
import type { ConfigFile } from "../agents/parts.ts";
import type { NamedMethod } from "../method.ts";
import { type ChannelFacts, statusOf } from "./status.ts";

/** Longest a platform is waited for. */
const MAX_PROBE_MS = 60_000;
const DEFAULT_PROBE_MS = 10_000;

const Name = z.string().min(1).max(64);
const Status = z.strictObject({
  probe: z.boolean().default(false),
  timeoutMs: z.int().min(0).default(DEFAULT_PROBE_MS),
  channel: Name.optional(),
});
const One = z.strictObject({ channel: Name, accountId: z.string().max(128).optional() });
type One = z.output<typeof One>;

export interface ChannelMethodParts {
  readonly control: ChannelControl;
  readonly settings: () => Settings;
  readonly configFile: ConfigFile;
  /** Labels of the channels there can be. */
  readonly known: Readonly<Record<string, { readonly label: string; readonly detail: string }>>;
  /** Asks the platform; undefined: no such channel is configured. Never rejects. */
  readonly probe: (channel: string, signal: AbortSignal) => Promise<ChannelProbe> | undefined;
  readonly now: () => number;
}

export function channelMethods(parts: ChannelMethodParts): readonly NamedMethod[] {
  return [
    [
      "channels.status",
      {
        scope: "operator.read",
        call: (params, { signal }) => status(parts, Status.parse(params), signal),
      },
    ],
    [
      "channels.start",
      {
        scope: "operator.admin",
        async call(params) {
          const { channel, accountId } = checked(One.parse(params));
          await parts.control.start(channel);
          return { channel, accountId, started: true };
        },
      },
    ],
    [
      "channels.stop",
      {
        scope: "operator.admin",
        async call(params) {
          const { channel, accountId } = checked(One.parse(params));
          await parts.control.stop(channel);
          return { channel, accountId, stopped: true };
        },
      },
    ],
    [
      "channels.logout",
      { scope: "operator.admin", call: (params) => logout(parts, One.parse(params)) },
    ],
  ];
}

async function status(
  parts: ChannelMethodParts,
  query: z.output<typeof Status>,
  gone: AbortSignal,
): Promise<object> {
  const { known, settings, control, now } = parts;
  if (query.channel !== undefined && !Object.hasOwn(known, query.channel)) {
    throw new GatewayError("invalid_request", `unknown channel: ${query.channel}`);
  }
  const ids = Object.keys(known).filter((id) => configured(id, settings()));
  const shown = ids.filter((id) => query.channel === undefined || id === query.channel);
  const patience = AbortSignal.timeout(Math.min(query.timeoutMs, MAX_PROBE_MS));
  const signal = AbortSignal.any([gone, patience]);
  const facts = shown.map(async (id): Promise<ChannelFacts> => {
    const probe = query.probe ? await parts.probe(id, signal) : undefined;
    const labels = known[id] ?? { label: id, detail: id };
    return { id, ...labels, state: control.stateOf(id), probe, probedAt: now() };
  });
  return { ts: now(), ...statusOf(await Promise.all(facts), settings()) };
}

/** Whether the file has a section for it, or a variable gives it what it needs. */
function configured(id: string, { config, telegram }: Settings): boolean {
  return id === "telegram" && (config.channels.telegram !== undefined || telegram !== undefined);
}

/** Takes the token out of the file. One of a variable is not ours to take. */
async function logout(
  { settings, configFile, known }: ChannelMethodParts,
  order: One,
): Promise<object> {
  const { channel, accountId } = checked(order);
  if (!Object.hasOwn(known, channel) || !configured(channel, settings())) {
    throw new GatewayError("invalid_request", `channel ${channel} is not configured`);
  }
  const cleared = settings().config.channels.telegram?.botToken !== undefined;
  await configFile.patch({ channels: { [channel]: { botToken: null, enabled: false } } });
  const envToken = settings().surroundings.variables.has("TELEGRAM_BOT_TOKEN");
  return { channel, accountId, cleared, loggedOut: true, envToken };
}

/** @throws GatewayError invalid_request: every channel of this version has one account. */
function checked({ channel, accountId = "default" }: One): Required<One> {
  if (accountId === "default" || accountId === "") return { channel, accountId: "default" };
  throw new GatewayError("invalid_request", `${channel} has no account "${accountId}"`);
}

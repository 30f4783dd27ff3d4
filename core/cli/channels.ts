import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { CHANNELS, isChannelId } from "../channels/registry.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { configDeskOf } from "./config-desk.ts";
import { answering, deskOf, liveDeskOf } from "./manage.ts";
import { TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  channel: { type: "string" },
  account: { type: "string" },
  "bot-token": { type: "string" },
  probe: { type: "boolean" },
  delete: { type: "boolean" },
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

const Account = z.looseObject({
  enabled: z.boolean().optional(),
  configured: z.boolean().optional(),
  running: z.boolean().optional(),
  lastError: z.string().nullish(),
  probe: z.looseObject({ ok: z.boolean(), error: z.string().optional() }).optional(),
});
const Status = z.object({
  channelOrder: z.array(z.string()),
  channels: z.record(z.string(), Account),
});

type Action = (name: string | undefined, values: Values, io: Io) => Promise<number>;

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["list", list],
  ["status", status],
  ["add", add],
  ["remove", remove],
  ["login", login],
  ["logout", logout],
  ["restart", restart],
  ["capabilities", capabilities],
]);

/** What a bot token looks like; Telegram alone knows whether it is one. */
const BOT_TOKEN = /^\d{1,15}:[A-Za-z0-9_-]+$/;

export const channels: Command = {
  usage: "channels list|status|add|remove|login|logout|restart|capabilities [CHANNEL] [--json]",
  summary: "Show where people write to the assistant, and change it",
  details: `  list
  status [--probe]                          --probe: asks the platform
  add --channel telegram --token TOKEN      the bot token, as @BotFather gives it
  remove CHANNEL [--delete]                 off; --delete: what is set of it goes as well
  login CHANNEL
  logout CHANNEL                            takes the credential out of the config
  restart CHANNEL
  capabilities [CHANNEL]

A gateway of another machine is named with --url, and what opens it with --token or --password;
the token of a bot is then --bot-token.`,

  run(args, io) {
    return answering(args, io, async () => {
      const { values, positionals } = parseFlags(args, OPTIONS);
      const [name = "list", ...words] = positionals;
      const action = ACTIONS.get(name);
      if (action === undefined || words.length > 1) throw misused();
      return action(values.channel ?? words[0], values, io);
    });
  },
};

function misused(): GatewayError {
  return new GatewayError("invalid_request", `usage: sallyport ${channels.usage}; try --help`);
}

/** @throws GatewayError not_found that says what there is. */
function checked(name: string | undefined): keyof typeof CHANNELS {
  if (name === undefined) throw misused();
  const id = name.toLowerCase();
  if (isChannelId(id)) return id;
  const there = Object.keys(CHANNELS).join(", ");
  const message = `${id.slice(0, 64)} is not available in this version; there is: ${there}`;
  throw new GatewayError("not_found", message);
}

async function list(_name: string | undefined, values: Values, io: Io): Promise<number> {
  const { settings, isOn } = await configDeskOf(values, io);
  const { config } = settings();
  const accounts = config.channels.telegram === undefined ? [] : ["default"];
  const { label } = CHANNELS.telegram;
  if (values.json === true) {
    const entry = { accounts, label, installed: true, origin: "bundled" };
    io.out(JSON.stringify({ chat: { telegram: entry } }));
  } else if (accounts.length === 0) {
    io.out("no channels; add one: sallyport channels add --channel telegram --token TOKEN");
  } else io.out(`telegram (${label}): ${isOn("telegram") ? "on" : "off"}`);
  return 0;
}

async function status(name: string | undefined, values: Values, io: Io): Promise<number> {
  const desk = await deskOf(values, io);
  const wanted = name === undefined ? {} : { channel: checked(name) };
  const answer = await desk.call("channels.status", { probe: values.probe === true, ...wanted });
  if (values.json === true) {
    io.out(JSON.stringify(answer));
    return 0;
  }
  const { channelOrder, channels: all } = Status.parse(answer);
  if (!desk.isLive) io.err("warning: no gateway runs here; this is what the config says");
  if (channelOrder.length === 0) io.out("no channels are configured");
  for (const id of channelOrder) io.out(`${id}: ${all[id] === undefined ? "" : said(all[id])}`);
  return 0;
}

function said({ configured, running, lastError, probe }: z.output<typeof Account>): string {
  const state = running === true ? "running" : "stopped";
  return [
    configured === true ? state : "not configured",
    ...(typeof lastError === "string" ? [lastError] : []),
    ...(probe === undefined ? [] : [probe.ok ? "answers" : (probe.error ?? "does not answer")]),
  ].join(", ");
}

async function add(name: string | undefined, values: Values, io: Io): Promise<number> {
  const id = checked(name);
  const token = values["bot-token"] ?? values.token;
  if (token === undefined) throw new GatewayError("invalid_request", `${id} needs --token`);
  if (!BOT_TOKEN.test(token)) {
    throw new GatewayError("invalid_request", "a bot token looks like 123456:ABC-DEF");
  }
  // Where it is not said by its own name, --token is that of the bot, and none of a gateway.
  const { token: other, ...rest } = values;
  const { file } = await configDeskOf(
    { ...rest, ...(values["bot-token"] && { token: other }) },
    io,
  );
  await file.patch({ channels: { [id]: { enabled: true, botToken: token } } });
  io.out(values.json === true ? JSON.stringify({ ok: true, channel: id }) : `${id} is added`);
  return 0;
}

async function remove(name: string | undefined, values: Values, io: Io): Promise<number> {
  const id = checked(name);
  const { file } = await configDeskOf(values, io);
  await file.patch({ channels: { [id]: values.delete === true ? null : { enabled: false } } });
  const done = values.delete === true ? "removed" : "off";
  io.out(values.json === true ? JSON.stringify({ ok: true, channel: id }) : `${id} is ${done}`);
  return 0;
}

async function login(name: string | undefined): Promise<number> {
  const id = checked(name);
  const remedy = `sallyport channels add --channel ${id} --token TOKEN`;
  throw new GatewayError("invalid_request", `${id} has no login; it has a token: ${remedy}`);
}

async function logout(name: string | undefined, values: Values, io: Io): Promise<number> {
  const channel = checked(name);
  const desk = await deskOf(values, io);
  const answer = await desk.call("channels.logout", { channel });
  io.out(values.json === true ? JSON.stringify(answer) : `${channel} has no credential any more`);
  return 0;
}

async function restart(name: string | undefined, values: Values, io: Io): Promise<number> {
  const channel = checked(name);
  const desk = await liveDeskOf(values, io);
  await desk.call("channels.stop", { channel });
  const answer = await desk.call("channels.start", { channel });
  io.out(values.json === true ? JSON.stringify(answer) : `${channel} is restarted`);
  return 0;
}

async function capabilities(name: string | undefined, values: Values, io: Io): Promise<number> {
  const ids = name === undefined ? Object.keys(CHANNELS) : [checked(name)];
  const all = ids.map((channel) => ({ channel, ...CAPABILITIES }));
  if (values.json === true) io.out(JSON.stringify({ channels: all }));
  else
    for (const id of ids) io.out(`${id}: direct messages, groups, topics, text, webhook, polling`);
  return 0;
}

const CAPABILITIES = {
  chatTypes: ["direct", "group", "thread"],
  media: false,
  reactions: false,
  receives: ["webhook", "polling"],
};

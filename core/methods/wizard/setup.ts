/** What is asked of somebody who sets up a gateway, and what is written of it. */
import { Secret } from "../../../shared/secret.ts";
import type { ChannelProbe } from "../../channels/probe.ts";
import type { ModelProbe } from "../../models/ask-once.ts";
import type { ConfigTree } from "../agents/parts.ts";
import { askChoice, askText, askYesNo, tell } from "./questions.ts";
import type { Ask } from "./session.ts";

export interface SetupParts {
  /** Asks a model with this key, before anything is written. Never rejects. */
  readonly tryModel: (
    ref: string,
    key: Secret | undefined,
    signal: AbortSignal,
  ) => Promise<ModelProbe>;
  /** Asks Telegram whose token it is. Never rejects. */
  readonly tryTelegram: (token: Secret, signal: AbortSignal) => Promise<ChannelProbe>;
  readonly write: (change: ConfigTree) => Promise<void>;
}

/** What can be chosen, with a model to begin with. */
const PROVIDERS = [
  { value: "anthropic", label: "Anthropic", model: "anthropic/claude-sonnet-5-5", key: true },
  { value: "openai", label: "OpenAI", model: "openai/gpt-5.5", key: true },
  { value: "openrouter", label: "OpenRouter", model: "openrouter/", key: true },
  { value: "ollama", label: "Ollama", hint: "on this machine", model: "ollama/", key: false },
  { value: "keep", label: "Leave it as it is", model: "", key: false },
] as const;

const MODEL_REF = /^[a-z0-9][a-z0-9._-]*\/\S+$/;
const CREDENTIAL = /^[\x21-\x7e]{8,4096}$/;
const BOT_TOKEN = /^\d{1,15}:[A-Za-z0-9_-]{20,}$/;

/** Model, channel, edge; written together at the end, so whoever stops early has changed nothing. */
export async function setUp(ask: Ask, parts: SetupParts, signal: AbortSignal): Promise<void> {
  const changes = [
    await modelPart(ask, parts, signal),
    await channelPart(ask, parts, signal),
    await edgePart(ask),
  ];
  const change: ConfigTree = Object.assign({}, ...changes);
  if (Object.keys(change).length === 0) return tell(ask, "Nothing to do", "All stays as it is.");
  const names = Object.keys(change).join(", ");
  const sure = await askYesNo(ask, {
    title: "Save",
    message: `Write this to the config file? It changes: ${names}`,
    initialValue: true,
  });
  if (sure) await parts.write(change);
}

/** A channel and nothing else. */
export async function setUpChannel(
  ask: Ask,
  parts: SetupParts,
  signal: AbortSignal,
): Promise<void> {
  const change = await channelPart(ask, parts, signal);
  if (Object.keys(change).length > 0) await parts.write(change);
}

/** Who answers, and nothing else. */
export async function setUpModel(ask: Ask, parts: SetupParts, signal: AbortSignal): Promise<void> {
  const change = await modelPart(ask, parts, signal);
  if (Object.keys(change).length > 0) await parts.write(change);
}

/** The edge and nothing else. */
export async function setUpEdge(ask: Ask, parts: Pick<SetupParts, "write">): Promise<void> {
  const change = await edgePart(ask);
  if (Object.keys(change).length > 0) await parts.write(change);
}

async function modelPart(ask: Ask, parts: SetupParts, signal: AbortSignal): Promise<ConfigTree> {
  const options = PROVIDERS.map(({ value, label, ...others }) =>
    "hint" in others ? { value, label, hint: others.hint } : { value, label },
  );
  const chosen = await askChoice(ask, { title: "Model", message: "Who answers?" }, options);
  const provider = PROVIDERS.find(({ value }) => value === chosen);
  if (provider === undefined || provider.value === "keep") return {};
  const key = provider.key ? await askKey(ask, provider.label) : undefined;
  const ref = await askText(
    ask,
    { title: "Model", message: "Which model?", initialValue: provider.model },
    (text) => (MODEL_REF.test(text) ? undefined : 'It is written "provider/model"'),
  );
  const tried = await parts.tryModel(ref, key, signal);
  if (tried.status !== "ok" && !(await goOn(ask, ref, tried.error ?? tried.status))) return {};
  return {
    agents: { defaults: { model: { primary: ref } } },
    ...(key === undefined
      ? {}
      : { models: { providers: { [provider.value]: { apiKey: key.reveal() } } } }),
  };
}

/** Undefined when nothing was typed: then the one there is, in a file or a variable, stays. */
async function askKey(ask: Ask, vendor: string): Promise<Secret | undefined> {
  const message = `API key of ${vendor}. Empty: the one that is set already.`;
  const text = await askText(ask, { title: "Key", message, sensitive: true }, (given) =>
    given === "" || CREDENTIAL.test(given) ? undefined : "That is no key",
  );
  return text === "" ? undefined : new Secret(text);
}

function goOn(ask: Ask, what: string, why: string): Promise<boolean> {
  const message = `${what} did not answer: ${why}. Use it all the same?`;
  return askYesNo(ask, { title: "Check", message, initialValue: false });
}

async function channelPart(ask: Ask, parts: SetupParts, signal: AbortSignal): Promise<ConfigTree> {
  const chosen = await askChoice(
    ask,
    { title: "Channel", message: "Where do people write to your assistant?" },
    [
      { value: "none", label: "Nowhere for now" },
      { value: "telegram", label: "Telegram", hint: "needs a bot token of @BotFather" },
    ],
  );
  if (chosen !== "telegram") return {};
  const text = await askText(
    ask,
    { title: "Telegram", message: "Bot token, as @BotFather gives it", sensitive: true },
    (given) => (BOT_TOKEN.test(given) ? undefined : "A bot token looks like 123456:ABC-DEF"),
  );
  if (text === "") return {};
  const tried = await parts.tryTelegram(new Secret(text), signal);
  if (!tried.ok && !(await goOn(ask, "Telegram", tried.error))) return {};
  return { channels: { telegram: { enabled: true, botToken: text } } };
}

async function edgePart(ask: Ask): Promise<ConfigTree> {
  const url = await askText(
    ask,
    { title: "Edge", message: "Address of your edge, https://…; empty for none" },
    (given) => (given === "" || isEdge(given) ? undefined : "That is no https:// address"),
  );
  if (url === "") return {};
  const pairing = await askText(ask, {
    title: "Edge",
    message: "Pairing code of the edge; empty when this core is paired already",
    sensitive: true,
  });
  return { sallyport: { edge: { url, ...(pairing === "" ? {} : { pairing }) } } };
}

function isEdge(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || url.hostname === "127.0.0.1" || url.hostname === "localhost";
}

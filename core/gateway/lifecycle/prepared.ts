import type { Logger } from "pino";
import { digestOf } from "../../../shared/constant-time.ts";
import type { EdgeBundle } from "../../../shared/edge-bundle.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { type AgentDirectory, createDirectory } from "../../agents/directory.ts";
import type { Tool } from "../../agents/tool.ts";
import { makeWorkspace } from "../../agents/workspace/files.ts";
import { createTools } from "../../agents/tools/registry.ts";
import type { Channel } from "../../channels/channel.ts";
import type { Clock } from "../../channels/clock.ts";
import { createChannels } from "../../channels/registry.ts";
import type { IngressSettings } from "../../config/ingress/ingress.ts";
import { issueText } from "../../config/issues/error.ts";
import { modelIssues } from "../../config/model-issues.ts";
import type { Settings } from "../../config/settings.ts";
import { menuOf } from "../../conversation/commands/text.ts";
import type { ModelIdentity } from "../../http/agents.ts";
import { createConfiguredModel } from "../../models/registry.ts";
import { resolveModel } from "../../models/resolve.ts";
import { DEMO_REF } from "../../models/settings.ts";
import { outageAlert, publishedRoutes } from "../../webhooks/publish.ts";
import { hasMenu } from "../chat-policy.ts";
import { edgeBundle } from "../edge-bundle.ts";
import type { TelegramAccount } from "../../channels/account.ts";

/** What leading takes and needs no store: made, and its SDKs loaded, while another core leads. */
export interface Prepared {
  /** Agents and their models, as the settings are now. */
  readonly directory: AgentDirectory;
  /** All there are; each agent has some of them. */
  readonly tools: readonly Tool[];
  /** The first of the default agent, as the settings are now. */
  readonly model: ModelIdentity;
  /** As the settings are now: another account is another channel. */
  readonly channels: readonly Channel[];
  /** Calls back whenever other settings are in effect, until `signal` aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
  /** The settings as they are now: what may change while we run is asked for each time. */
  readonly settings: () => Settings;
  /** Webhooks as they are set now. */
  readonly ingress: () => IngressSettings;
  /** What an edge of ours must know now. */
  readonly bundle: () => EdgeBundle;
  /**
   * Takes over settings whose changes need no restart. When it throws, nothing has changed.
   *
   * @throws GatewayError that says what cannot be: a model nobody provides, a malformed token.
   */
  apply(settings: Settings): Promise<void>;
}

interface PrepareParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** @throws GatewayError that says in one line which setting can never work. */
export async function prepare(settings: Settings, parts: PrepareParts): Promise<Prepared> {
  let live = await made(settings, parts);
  const listeners = new Set<() => void>();
  const tools = createTools(parts.clock.now);
  const directory = createDirectory({
    settings: () => live.settings,
    createModel: createConfiguredModel,
    tools,
  });
  const modelId = (): string => directory.list()[0]?.modelRefs[0] ?? DEMO_REF;
  return {
    directory,
    tools,
    model: {
      get id() {
        return modelId();
      },
      get demo() {
        return modelId() === DEMO_REF;
      },
    },
    get channels() {
      return live.channels;
    },
    onChange(listener, signal) {
      listeners.add(listener);
      signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
    settings: () => live.settings,
    ingress: () => live.settings.ingress,
    bundle: () => live.bundle,
    async apply(next) {
      live = await made(next, parts, live);
      for (const listener of listeners) listener();
    },
  };
}

interface Made {
  readonly settings: Settings;
  readonly channels: readonly Channel[];
  /** What the channels were made of. */
  readonly accounts: string;
  readonly bundle: EdgeBundle;
}

/** What is made of settings; what `before` has of the same is taken from there. */
async function made(settings: Settings, parts: PrepareParts, before?: Made): Promise<Made> {
  checkModels(settings, parts.log);
  const accounts = accountsOf(settings);
  const channels =
    accounts === before?.accounts
      ? before.channels
      : await createChannels({ telegram: accountOf(settings) }, parts);
  const bundle = await bundleOf(settings, channels);
  await makeWorkspaces(settings, parts.log);
  return { settings, channels, accounts, bundle };
}

/** What of the settings a channel is made of, to be compared and nothing else: it holds a secret. */
function accountsOf(settings: Settings): string {
  const account = accountOf(settings);
  if (account === undefined) return "";
  const { botToken, apiRoot, textChunkLimit, menu } = account;
  return JSON.stringify([botToken.reveal(), apiRoot, textChunkLimit, menu]);
}

function accountOf(settings: Settings): TelegramAccount | undefined {
  const { telegram } = settings;
  return telegram && { ...telegram, menu: hasMenu(settings) ? menuOf() : [] };
}

/** People look for them to put files there; an agent without one answers all the same. */
async function makeWorkspaces({ agents }: Settings, log: Logger): Promise<void> {
  for (const { id, workspace } of agents) {
    try {
      await makeWorkspace(workspace);
    } catch (err) {
      log.warn({ err, agent: id }, "a workspace cannot be made");
    }
  }
}

/** A name that stands for nothing is a mistake in the file; a key may be set later. */
function checkModels({ agents, providers, config, configPath }: Settings, log: Logger): void {
  const [issue] = modelIssues(config, providers);
  if (issue !== undefined) {
    throw new GatewayError("model_not_found", `${configPath}: ${issueText(issue)}`);
  }
  const refs = new Set(agents.flatMap(({ modelRefs }) => [...modelRefs]));
  refs.delete(DEMO_REF);
  for (const ref of refs) {
    const resolved = resolveModel(ref, providers, Date.now);
    if (resolved.ok) continue;
    const { code, message } = resolved.error;
    if (code !== "model_unauthorized") throw new GatewayError(code, message);
    log.warn({ model: ref, reason: message }, "a model cannot answer until it has a key");
  }
}

async function bundleOf(
  { gateway, ingress, limits }: Settings,
  channels: readonly Channel[],
): Promise<EdgeBundle> {
  const [own, ...ofChannels] = await Promise.all([
    publishedRoutes(ingress.routes),
    ...channels.map((channel) => channel.ingress()),
  ]);
  return edgeBundle({
    tokenDigests: [await digestOf(gateway.token.secret.reveal())],
    kind: gateway.authMode === "password" ? "password" : "token",
    allowedOrigins: [...gateway.allowedOrigins],
    routes: [...own, ...ofChannels.flat()],
    rate: limits.rate,
    hooksPath: ingress.path,
    outageAlert: await outageAlert(ingress.alerts, (id) => channels.find((one) => one.id === id)),
  });
}

import type { Logger } from "pino";
import type { AgentDirectory, AgentProfile } from "../../agents/directory.ts";
import { ToolInvoker } from "../../agents/tools/invoke.ts";
import type { Settings } from "../../config/settings.ts";
import type { HttpAgent, HttpAgents } from "../../http/agents.ts";
import type { RunTurn } from "../../http/answer.ts";
import type { ApiParts } from "../../http/api.ts";
import { EventStreams } from "../../http/events.ts";
import { createEmbedder } from "../../models/registry.ts";
import { DEMO_REF } from "../../models/settings.ts";
import type { Store } from "../../store/store.ts";

interface ApiSources {
  readonly directory: AgentDirectory;
  /** As they are now: asked for each time. */
  readonly settings: () => Settings;
  readonly run: RunTurn;
  readonly store: Pick<Store, "responses" | "usage">;
  readonly status: () => object | Promise<object>;
  readonly version: string;
  readonly hooksPath: string;
  /** Unix time, milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

/** What the HTTP API works with. */
export function apiParts(sources: ApiSources): ApiParts {
  const { directory, settings, run, store, status, version, hooksPath, now, log } = sources;
  const agents = httpAgents(directory);
  const http = () => settings().config.gateway;
  return {
    run,
    streams: new EventStreams(now),
    agents,
    responses: store.responses,
    embedding: {
      defaultRef() {
        const { provider, model } = settings().config.agents.defaults.memorySearch ?? {};
        return provider === undefined || model === undefined ? undefined : `${provider}/${model}`;
      },
      create: (ref) => createEmbedder(ref, settings().providers, now),
      pricesOf: (ref) => directory.facts(ref).cost,
      keep: (agentId, call) => store.usage.add({ calls: [call], agentId, kind: "embedding" }),
      now,
    },
    tools: new ToolInvoker({ directory, policy: () => http().tools, now }),
    status,
    uiConfig() {
      const profile = directory.find(directory.defaultId());
      return {
        basePath: "",
        assistantName: profile?.identity.name ?? profile?.name ?? "Assistant",
        assistantAvatar: profile?.identity.avatar ?? null,
        assistantAgentId: directory.defaultId(),
        serverVersion: version,
        serverBuildId: version,
      };
    },
    endpoints() {
      const { chatCompletions, responses: response } = http().http.endpoints;
      return { chatCompletions: chatCompletions.enabled, responses: response.enabled };
    },
    version,
    hooksPath,
    now,
    log,
  };
}

/** The agents there are, as the HTTP API names them. */
export function httpAgents(directory: AgentDirectory): HttpAgents {
  return {
    main() {
      const id = directory.defaultId();
      const profile = directory.find(id);
      if (profile === undefined) throw new TypeError(`the default agent ${id} is in no list`);
      return toHttp(profile);
    },
    list: () => directory.list().map(toHttp),
    find(id) {
      const profile = directory.find(id);
      return profile && toHttp(profile);
    },
  };
}

function toHttp({ id, name, identity, modelRefs: [ref] }: AgentProfile): HttpAgent {
  return { id, name: identity.name ?? name, model: { id: ref, demo: ref === DEMO_REF } };
}

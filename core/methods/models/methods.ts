/** `models.*`: which models there are, and whether they can be asked. */
import * as z from "zod";
import { askOnce } from "../../models/ask-once.ts";
import { type CatalogModel, catalogOf, keySourceOf } from "../../models/catalog.ts";
import type { NamedMethod } from "../method.ts";
import { profileOf } from "../agents/list.ts";
import type { AgentMethodParts } from "../agents/parts.ts";

const AgentId = z.string().min(1).max(64).optional();
const List = z.strictObject({
  agentId: AgentId,
  view: z.enum(["default", "configured", "provider-config", "all"]).default("default"),
  includeDetails: z.boolean().default(false),
  includeProviderCapabilities: z.boolean().optional(),
  preparedOnly: z.boolean().optional(),
  refresh: z.boolean().optional(),
});
const AuthStatus = z.strictObject({
  refresh: z.boolean().optional(),
  agentId: z.string().optional(),
});

/** Longest a provider is waited for; a client that asks for more has hung up by then. */
const MAX_PROBE_MS = 60_000;
const DEFAULT_PROBE_MS = 15_000;
const Probe = z.strictObject({
  provider: z.string().min(1).max(64),
  profileId: z.string().min(1).max(128).optional(),
  timeoutMs: z.int().min(1).optional(),
  agentId: AgentId,
});

export function modelMethods(parts: AgentMethodParts): readonly NamedMethod[] {
  return [
    [
      "models.list",
      { scope: "operator.read", call: (params) => listModels(parts, List.parse(params)) },
    ],
    [
      "models.authStatus",
      {
        scope: "operator.read",
        call(params) {
          AuthStatus.parse(params);
          return authStatus(parts);
        },
      },
    ],
    [
      "models.probe",
      {
        // It costs a few tokens of the owner's money.
        scope: "operator.admin",
        call: (params, { signal }) => probe(parts, Probe.parse(params), signal),
      },
    ],
  ];
}

function listModels(parts: AgentMethodParts, query: z.output<typeof List>): object {
  const agentId = query.agentId === undefined ? undefined : profileOf(parts, query.agentId).id;
  const settings = parts.settings();
  const all = catalogOf(settings, agentId);
  const listed = settings.config.models.providers;
  const shown =
    query.view === "provider-config"
      ? all.filter(
          ({ provider, id }) =>
            Object.hasOwn(listed, provider) &&
            listed[provider]?.models.some((one) => one.id === id),
        )
      : all;
  return { models: shown.map((model) => choiceOf(model, query.includeDetails)) };
}

function choiceOf(model: CatalogModel, details: boolean): object {
  const { id, name, provider, alias, tags, unavailable, contextWindow, reasoning, input } = model;
  return {
    id,
    name,
    provider,
    ...(alias === undefined ? {} : { alias }),
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(details ? { local: model.local } : {}),
    input,
    reasoning,
    tags,
    thinkingLevels: model.thinking.thinkingLevels,
    thinkingDefault: model.thinking.thinkingDefault,
    supportsTools: true,
    available: unavailable === undefined,
    ...(unavailable === "missing-auth" ? { unavailableReason: unavailable } : {}),
  };
}

function authStatus({ settings, now }: AgentMethodParts): object {
  const live = settings();
  const used = new Set(catalogOf(live).map(({ provider }) => provider));
  const providers = Object.keys(live.providers).filter(
    (id) => used.has(id) || keySourceOf(id, live) !== undefined,
  );
  return {
    ts: now(),
    providers: providers.map((provider) => {
      const source = keySourceOf(provider, live);
      const profile = { profileId: `${provider}:${source}`, type: "api_key", status: "static" };
      return {
        provider,
        displayName: provider,
        // A key has no end that we could know of.
        status: source === undefined && needsKey(live.providers[provider]) ? "missing" : "static",
        profiles: source === undefined ? [] : [profile],
      };
    }),
  };
}

/** One at an address of its own may ask for none. */
function needsKey(provider: { readonly baseUrl: string | undefined } | undefined): boolean {
  return provider?.baseUrl === undefined;
}

async function probe(
  { directory, settings, now }: AgentMethodParts,
  { provider, timeoutMs = DEFAULT_PROBE_MS }: z.output<typeof Probe>,
  gone: AbortSignal,
): Promise<object> {
  const known = catalogOf(settings()).find((model) => model.provider === provider);
  if (known === undefined) {
    const error = `no model of "${provider.slice(0, 64)}" is configured`;
    return { provider, status: "no_model", error, results: [] };
  }
  const patience = AbortSignal.timeout(Math.min(timeoutMs, MAX_PROBE_MS));
  const signal = AbortSignal.any([gone, patience]);
  const model = await directory.model(known.ref);
  const { status, latencyMs, error } = await askOnce(model, signal, now);
  const result = { status, latencyMs, ...(error === undefined ? {} : { error }) };
  return { provider, ...result, results: [{ label: known.ref, ...result }] };
}

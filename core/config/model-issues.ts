/** Models that the config names and that can never answer, whatever key is set. */
import { writtenAgents } from "./agents.ts";
import type { Issue } from "./issues/error.ts";
import { pathText } from "./issues/path-text.ts";
import { KNOWN_PROVIDERS } from "./known-providers.ts";
import { DEMO, type ProviderSettings } from "./models.ts";
import type { Config } from "./schema.ts";
import type { ModelChoice } from "./sections/agents.ts";

/** A model, and the setting that names it. */
interface Named {
  readonly ref: string;
  readonly path: readonly string[];
}

/**
 * Why a gateway would not start with the models of this config; a key that is missing keeps none
 * from it. Pure.
 */
export function modelIssues(
  config: Config,
  providers: Readonly<Record<string, Pick<ProviderSettings, "baseUrl">>>,
): readonly Issue[] {
  const issues = namedModels(config).flatMap(({ ref, path }): Issue[] => {
    const id = ref.slice(0, ref.indexOf("/"));
    const provider = Object.hasOwn(providers, id) ? providers[id] : undefined;
    if (provider === undefined) {
      const message = `names "${ref}", and there is no provider "${id}": set models.providers.${id}, or take a model of ${Object.keys(providers).toSorted().join(", ")}`;
      return [{ path: pathText(path), message }];
    }
    if (provider.baseUrl !== undefined || KNOWN_PROVIDERS.has(id)) return [];
    const message = `is needed for "${ref}" (${pathText(path)}): set the address of that API, or take another model`;
    return [{ path: pathText(["models", "providers", id, "baseUrl"]), message }];
  });
  // One address is missing once, however many models wait for it.
  return [...new Map(issues.map((issue) => [issue.path, issue])).values()];
}

/** Those that an agent would be given; each agent has its own, or that of all. */
function namedModels(config: Config): Named[] {
  const { defaults, list, entries } = config.agents;
  const sharesOne = writtenAgents(config).some(({ model }) => model === undefined);
  return [
    ...(sharesOne ? chainOf(defaults.model, ["agents", "defaults", "model"]) : []),
    ...list.flatMap(({ id, model }, index) =>
      entries[id]?.model === undefined
        ? chainOf(model, ["agents", "list", String(index), "model"])
        : [],
    ),
    ...Object.entries(entries).flatMap(([id, { model }]) =>
      chainOf(model, ["agents", "entries", id, "model"]),
    ),
  ].filter(({ ref }) => ref !== DEMO);
}

function chainOf(choice: ModelChoice | undefined, path: readonly string[]): Named[] {
  if (choice === undefined) return [];
  return [
    { ref: choice.primary, path: [...path, "primary"] },
    ...choice.fallbacks.map((ref, index) => ({ ref, path: [...path, "fallbacks", String(index)] })),
  ];
}

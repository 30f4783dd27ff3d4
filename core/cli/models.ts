import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { catalogOf, keySourceOf } from "../models/catalog.ts";
import { resolveModel } from "../models/resolve.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { type ConfigDesk, configDeskOf } from "./config-desk.ts";
import { answering, type Desk, deskOf, localDesk } from "./manage.ts";
import { TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  plain: { type: "boolean" },
  all: { type: "boolean" },
  local: { type: "boolean" },
  provider: { type: "string" },
  probe: { type: "boolean" },
  check: { type: "boolean" },
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

const Choices = z.object({
  models: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      provider: z.string(),
      alias: z.string().optional(),
      input: z.array(z.string()).default(["text"]),
      contextWindow: z.number().optional(),
      local: z.boolean().default(false),
      available: z.boolean().default(true),
      tags: z.array(z.string()).default([]),
    }),
  ),
});
const Probed = z.object({
  status: z.string(),
  latencyMs: z.number().optional(),
  error: z.string().optional(),
});
const DEMO = "demo/echo";

type Action = (words: readonly string[], values: Values, io: Io) => Promise<number>;

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["list", list],
  ["status", status],
  ["set", set],
  ["probe", probe],
  ["aliases", aliases],
  ["fallbacks", fallbacks],
]);

export const models: Command = {
  usage: "models list|status|set|probe|aliases|fallbacks [--json] …",
  summary: "Show which models answer and whether they can, and change it",
  details: `  list [--all] [--local] [--provider NAME] [--plain]
  status [--probe] [--check]            --check: exit 1 when the first model cannot be asked
  set PROVIDER/MODEL                    the model of all agents without one of their own
  probe [PROVIDER]                      asks it one short question
  aliases list | add ALIAS PROVIDER/MODEL | remove ALIAS
  fallbacks list | add PROVIDER/MODEL | remove PROVIDER/MODEL | clear`,

  run(args, io) {
    return answering(args, io, async () => {
      const { values, positionals } = parseFlags(args, OPTIONS);
      const [name = "status", ...words] = positionals;
      const action = ACTIONS.get(name);
      if (action === undefined) throw misused();
      return action(words, values, io);
    });
  },
};

function misused(): GatewayError {
  return new GatewayError("invalid_request", `usage: sallyport ${models.usage}; try --help`);
}

async function list(_words: readonly string[], values: Values, io: Io): Promise<number> {
  const desk = await deskOf(values, io);
  const view = values.all === true ? "all" : "default";
  const answer = await desk.call("models.list", { view, includeDetails: true });
  const shown = Choices.parse(answer).models.filter(
    ({ local, provider }) =>
      (values.local !== true || local) && provider === (values.provider ?? provider),
  );
  const rows = shown.map(({ id, provider, input, alias: _alias, ...others }) => ({
    key: `${provider}/${id}`,
    ...others,
    input: input.join("+"),
  }));
  if (values.json === true) io.out(JSON.stringify({ count: rows.length, models: rows }));
  else {
    for (const { key, available, tags } of rows) {
      const state = available ? "" : " (no key)";
      io.out(values.plain === true ? key : `${key}${state}  ${tags.join(", ")}`.trimEnd());
    }
  }
  return 0;
}

async function status(_words: readonly string[], values: Values, io: Io): Promise<number> {
  const config = await configDeskOf(values, io);
  const live = config.settings();
  const [primary, ...rest] = live.modelChain;
  const used = new Set(catalogOf(live).map(({ provider }) => provider));
  used.delete("demo");
  const desk = values.probe === true ? await probingDesk(config, values, io) : undefined;
  const providers = await Promise.all(
    [...used].map(async (provider) => {
      const probed =
        desk === undefined
          ? undefined
          : Probed.parse(await desk.call("models.probe", { provider }));
      const baseUrl = live.providers[provider]?.baseUrl ?? null;
      return {
        provider,
        keySource: keySourceOf(provider, live) ?? "none",
        baseUrl,
        ...(probed === undefined ? {} : { probe: probed }),
      };
    }),
  );
  const problem = problemOf(primary, live);
  const probeFailed = providers.some(({ probe: one }) => one !== undefined && one.status !== "ok");
  const exitCode = values.check === true && (problem !== undefined || probeFailed) ? 1 : 0;
  if (values.json === true) {
    const facts = { defaultModel: primary, resolvedDefault: primary, fallbacks: rest };
    io.out(JSON.stringify({ ...facts, configPath: live.configPath, problem, providers }));
    return exitCode;
  }
  io.out(`model: ${primary}${primary === DEMO ? " (a demo that only echoes: no key is set)" : ""}`);
  if (rest.length > 0) io.out(`then: ${rest.join(", ")}`);
  for (const { provider, keySource, probe: one } of providers) {
    const reach = one === undefined ? "" : `, ${one.error ?? `answers in ${one.latencyMs} ms`}`;
    io.out(`${provider}: key from ${keySource}${reach}`);
  }
  if (problem !== undefined) io.err(`warning: ${problem}`);
  return exitCode;
}

/** The model is asked by whoever has its key. */
function probingDesk({ isElsewhere }: ConfigDesk, values: Values, io: Io): Promise<Desk> {
  return isElsewhere ? deskOf(values, io) : localDesk(io);
}

function problemOf(
  ref: string,
  { providers }: ReturnType<ConfigDesk["settings"]>,
): string | undefined {
  if (ref === DEMO) return undefined;
  const resolved = resolveModel(ref, providers, Date.now);
  return resolved.ok ? undefined : resolved.error.message;
}

async function set([given]: readonly string[], values: Values, io: Io): Promise<number> {
  if (given === undefined) throw misused();
  const config = await configDeskOf(values, io);
  const ref = refOf(given, config);
  await config.file.patch({ agents: { defaults: { model: { primary: ref } } } });
  const problem = problemOf(ref, config.settings());
  if (problem !== undefined) io.err(`warning: ${problem}`);
  const shown = { ok: true, model: ref, ...(problem === undefined ? {} : { warning: problem }) };
  io.out(values.json === true ? JSON.stringify(shown) : `the model is ${ref} now`);
  return 0;
}

/** An alias, or the name itself, of a provider there is. @throws GatewayError */
function refOf(given: string, { settings }: ConfigDesk): string {
  const { config, providers } = settings();
  const alias = Object.entries(config.agents.defaults.models).find(
    ([, one]) => one.alias?.toLowerCase() === given.toLowerCase(),
  );
  const ref = alias?.[0] ?? given;
  if (ref === DEMO) return ref;
  const resolved = resolveModel(ref, providers, Date.now);
  if (resolved.ok || resolved.error.code === "model_unauthorized") return ref;
  throw new GatewayError("invalid_request", resolved.error.message);
}

async function probe([provider]: readonly string[], values: Values, io: Io): Promise<number> {
  const config = await configDeskOf(values, io);
  const desk = await probingDesk(config, values, io);
  const asked = provider ?? config.settings().modelChain[0].split("/")[0] ?? "";
  const answer = await desk.call("models.probe", { provider: asked });
  const { status: state, latencyMs, error } = Probed.parse(answer);
  if (values.json === true) io.out(JSON.stringify(answer));
  else io.out(`${asked}: ${state === "ok" ? `answers in ${latencyMs} ms` : (error ?? state)}`);
  return state === "ok" ? 0 : 1;
}

async function aliases(
  [what = "list", alias, ref]: readonly string[],
  values: Values,
  io: Io,
): Promise<number> {
  const config = await configDeskOf(values, io);
  const known = Object.entries(config.settings().config.agents.defaults.models).flatMap(
    ([model, { alias: short }]) => (short === undefined ? [] : [{ alias: short, model }]),
  );
  if (!["list", "add", "remove"].includes(what)) throw misused();
  if (what === "list") {
    if (values.json === true) io.out(JSON.stringify({ aliases: known }));
    else for (const one of known) io.out(`${one.alias}: ${one.model}`);
    return 0;
  }
  const target = what === "add" && ref !== undefined ? refOf(ref, config) : named(alias, known);
  if (alias === undefined || target === undefined) throw misused();
  const value = what === "add" ? alias : null;
  await config.file.patch({ agents: { defaults: { models: { [target]: { alias: value } } } } });
  io.out(values.json === true ? JSON.stringify({ ok: true, alias, model: target }) : "done");
  return 0;
}

function named(
  alias: string | undefined,
  known: readonly { readonly alias: string; readonly model: string }[],
): string | undefined {
  return known.find((one) => one.alias === alias)?.model;
}

async function fallbacks(
  [what = "list", ref]: readonly string[],
  values: Values,
  io: Io,
): Promise<number> {
  const config = await configDeskOf(values, io);
  const [primary, ...before] = config.settings().modelChain;
  const target = ref === undefined ? undefined : refOf(ref, config);
  if (what === "add" && target === primary) {
    throw new GatewayError("invalid_request", `${primary} is asked first already`);
  }
  const after = changed(what, target, before);
  if (after === undefined) throw misused();
  if (what !== "list") {
    await config.file.patch({ agents: { defaults: { model: { primary, fallbacks: after } } } });
  }
  if (values.json === true) io.out(JSON.stringify({ fallbacks: after }));
  else io.out(after.length === 0 ? "no fallbacks" : after.join("\n"));
  return 0;
}

function changed(
  what: string,
  ref: string | undefined,
  before: readonly string[],
): readonly string[] | undefined {
  if (what === "list") return before;
  if (what === "clear") return [];
  if (ref === undefined) return undefined;
  const others = before.filter((one) => one !== ref);
  if (what === "add") return [...others, ref];
  return what === "remove" ? others : undefined;
}

/** What commands answer, for people. Pure. */
import type { SessionInfo } from "../../store/session.ts";
import { chosen } from "./choices.ts";
import type { Standing } from "./standing.ts";
import { COMMANDS, type CommandSpec } from "./table.ts";

/** Said first to somebody who asks for help. */
const FIRST = new Set(["status", "new", "stop", "model", "think", "compact", "whoami"]);
/** Models of one answer: what a person reads. */
const MAX_MODELS = 40;
const MAX_TOOLS = 60;

export interface Audience {
  readonly standing: Standing;
  readonly isGroup: boolean;
}

export function helpText(to: Audience): string {
  const lines = mayUse(to)
    .filter(({ name }) => FIRST.has(name))
    .map(lineOf);
  return [
    "Write to me as to a person. Some things are said with a slash:",
    ...lines,
    "",
    ...MORE,
  ].join("\n");
}

const MORE = ["`/commands` has them all."];

export function commandsText(to: Audience): string {
  return ["Commands:", ...mayUse(to).map(lineOf)].join("\n");
}

/** What a menu of a platform shows. */
export function menuOf(): { readonly command: string; readonly description: string }[] {
  return COMMANDS.map(({ name, help }) => ({ command: name, description: help }));
}

function mayUse({ standing, isGroup }: Audience): CommandSpec[] {
  return COMMANDS.filter(
    ({ who, changes, groupsOnly }: CommandSpec) =>
      (groupsOnly === undefined || isGroup) &&
      (who === "anybody" || standing === "owner" || changes === "asked"),
  );
}

function lineOf({ name, aliases, usage, help }: CommandSpec): string {
  const said = usage === undefined ? `/${name}` : `/${name} ${usage}`;
  const also = aliases.length === 0 ? "" : ` (also ${aliases.map((one) => `/${one}`).join(", ")})`;
  return `\`${said}\` – ${help}${also}`;
}

/** What `/status` looks at. */
export interface StatusFacts {
  readonly version: string | undefined;
  /** Unix ms; undefined: not known. */
  readonly startedAt: number | undefined;
  /** Undefined: none is configured. */
  readonly edge: boolean | undefined;
  readonly agentId: string;
  readonly sessionKey: string;
  /** Undefined: nothing was said in it yet. */
  readonly info: SessionInfo | undefined;
  readonly model: string | undefined;
  /** Tokens that the model takes. */
  readonly contextWindow: number | undefined;
  /** What the agent wishes where the session wishes nothing. */
  readonly think?: string;
  readonly fast?: string;
  /** Mode that is in effect. */
  readonly queue: string;
  readonly activeRuns: number;
  readonly now: number;
}

export function statusText(facts: StatusFacts): string {
  const { info, activeRuns, think, fast = "off", queue } = facts;
  const { settings = {}, label, inputTokens = 0, outputTokens = 0 } = info ?? {};
  const underWay = activeRuns === 0 ? "nothing under way" : `${activeRuns} under way`;
  const title = label === undefined ? "" : ` “${label}”`;
  return [
    gatewayLine(facts),
    `Agent ${facts.agentId} · session \`${facts.sessionKey}\`${title}`,
    modelLine(facts.model, settings["model"] !== undefined),
    `Thinking ${chosen("think", settings, think)} · fast ${chosen("fast", settings, fast)}`,
    contextLine(info, facts.contextWindow),
    `Tokens ${count(inputTokens)} in, ${count(outputTokens)} out in all`,
    `Queue ${queue} · ${underWay}`,
  ].join("\n");
}

function modelLine(model = "unknown", isChosen: boolean): string {
  return `Model ${model}${isChosen ? " (chosen for this session)" : ""}`;
}

function gatewayLine({ version, startedAt, edge, now }: StatusFacts): string {
  const parts = [
    version === undefined ? "Sallyport" : `Sallyport ${version}`,
    ...(startedAt === undefined ? [] : [`up ${spanText(now - startedAt)}`]),
    ...(edge === undefined ? ["no edge"] : [edge ? "edge connected" : "edge not connected"]),
  ];
  return parts.join(" · ");
}

function contextLine(info: SessionInfo | undefined, window: number | undefined): string {
  const used = info?.contextTokens ?? 0;
  const share = window === undefined ? "" : ` of ${count(window)} (${percent(used, window)})`;
  const compactions = info?.compactions ?? 0;
  const made = compactions === 0 ? "" : ` · ${plural(compactions, "compaction")}`;
  return `Context ${count(used)} tokens${share} · ${plural(info?.messageCount ?? 0, "message")}${made}`;
}

/** What `/context` looks at. */
export interface ContextFacts {
  readonly systemUnits: number;
  readonly tools: number;
  readonly summaryUnits: number | undefined;
  readonly messages: number;
  readonly messageUnits: number;
  readonly contextTokens: number;
  readonly contextWindow: number | undefined;
}

export function contextText(facts: ContextFacts): string {
  const { summaryUnits, contextTokens: used, contextWindow: window } = facts;
  const share = window === undefined ? "" : ` of ${count(window)} (${percent(used, window)})`;
  return [
    "The model is given:",
    `• instructions: ${count(facts.systemUnits)} characters`,
    `• tools: ${facts.tools}`,
    ...(summaryUnits === undefined
      ? []
      : [`• a summary of what was compacted: ${count(summaryUnits)} characters`]),
    `• ${plural(facts.messages, "message")}: ${count(facts.messageUnits)} characters`,
    used === 0 ? "Nothing was sent yet." : `The last turn sent ${count(used)} tokens${share}.`,
  ].join("\n");
}

export interface ListedModel {
  /** `provider/model` */
  readonly ref: string;
  readonly alias: string | undefined;
  /** False: it has no key, or nobody provides it. */
  readonly available: boolean;
  readonly contextWindow: number | undefined;
}

/** @param provider - Part of a name; empty: all. */
export function modelsText(
  models: readonly ListedModel[],
  provider: string,
  current: string | undefined,
): string {
  const wanted = provider.toLowerCase();
  const found = models.filter(({ ref }) => ref.toLowerCase().startsWith(wanted));
  if (found.length === 0) {
    return wanted === "" ? "No models are listed." : `No model of “${provider.slice(0, 64)}”.`;
  }
  const lines = found.slice(0, MAX_MODELS).map(({ ref, alias, available }) => {
    const notes = [
      ...(alias === undefined ? [] : [alias]),
      ...(ref === current ? ["in use"] : []),
      ...(available ? [] : ["has no key"]),
    ];
    return `• \`${ref}\`${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`;
  });
  const left = found.length - lines.length;
  const rest = left > 0 ? [`… and ${left} more: \`/models <provider>\` has fewer.`] : [];
  return ["Models:", ...lines, ...rest, "Choose one: `/model <provider/model>`"].join("\n");
}

export function toolsText(names: readonly string[]): string {
  if (names.length === 0) return "The agent has no tools.";
  const left = names.length - MAX_TOOLS;
  const more = left > 0 ? `, and ${left} more` : "";
  return `Tools: ${names.slice(0, MAX_TOOLS).join(", ")}${more}.`;
}

/** 12345 as 12,345. */
export function count(number: number): string {
  return Math.round(number).toLocaleString("en-US");
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / Math.max(1, whole))} %`;
}

function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** The two largest units of a span. */
export function spanText(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  const [days, hours, rest] = [
    Math.floor(minutes / 1440),
    Math.floor(minutes / 60) % 24,
    minutes % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${rest} min`;
  return `${rest} min`;
}

/** OpenClaw's own webhooks: `/hooks/agent`, `/hooks/wake`, and its mappings from a path to these. */
import { createHash } from "node:crypto";
import { LIMITS } from "../../../shared/limits.ts";
import type { Secret } from "../../../shared/secret.ts";
import { WebhookName } from "../fields.ts";
import type { Case, Condition, IngressRouteSettings, Recipient, Target } from "./ingress.ts";
import type { HookMapping, Hooks } from "../sections/hooks.ts";
import { SessionKey } from "../sections/ingress/target.ts";

/** The agent there is. */
const AGENT = "main";

/** Sets of mappings that have a name. Source: OpenClaw 2026.9.6, `hookPresetMappings`. */
const PRESETS: Readonly<Record<string, HookMapping>> = {
  gmail: {
    id: "gmail",
    match: { path: "gmail" },
    action: "agent",
    wakeMode: "now",
    name: "Gmail",
    forEach: "messages",
    sessionKey: "hook:gmail:{{messages[0].id}}",
    messageTemplate:
      "New email from {{messages[0].from}}\nSubject: {{messages[0].subject}}\n" +
      "{{messages[0].snippet}}\n{{messages[0].body}}",
  },
};
/** A hundred mails in one body. Source: as the presets. */
const MAX_GMAIL_BYTES = 25 * 1024 * 1024;

export interface HookRoutes {
  readonly routes: readonly IngressRouteSettings[];
  /** One line each, for the person who wrote the file. */
  readonly warnings: readonly string[];
}

/** A mapping that works here: where it is reached, undefined for everywhere, and what it does. */
interface Mapped {
  readonly path: string | undefined;
  readonly outcome: Case;
}

/** What `hooks` makes of itself with a token that opens it. Pure. */
export function hookRoutes(hooks: Hooks, token: Secret): HookRoutes {
  const warnings: string[] = [];
  const mapped: Mapped[] = [];
  for (const { mapping, at } of mappingsOf(hooks, warnings)) {
    const fault = faultOf(mapping, hooks);
    if (fault !== undefined) {
      warnings.push(`${at} is off: ${fault}`);
      continue;
    }
    if (mapping.wakeMode === "next-heartbeat") {
      warnings.push(`${at}.wakeMode: there is no heartbeat, so it wakes at once`);
    }
    if (asksForLast(mapping)) {
      warnings.push(`${at}.deliver needs channel and to: the answer stays in its session`);
    }
    mapped.push({ path: pathOf(mapping), outcome: caseOf(mapping, hooks) });
  }
  const paths = new Set(mapped.flatMap(({ path }) => (path === undefined ? [] : [path])));
  const routes = [
    ...direct(hooks, token, warnings),
    ...[...paths].map((name) => {
      const cases = mapped.filter(({ path }) => path === undefined || path === name);
      return bearerRoute(name, { token, hooks, cases: cases.map(({ outcome }) => outcome) });
    }),
  ];
  return { routes, warnings };
}

/** What can be called by name alone: these two come before every mapping. */
function direct(hooks: Hooks, token: Secret, warnings: string[]): IngressRouteSettings[] {
  if (!mayRun(AGENT, hooks)) {
    warnings.push(`hooks.allowedAgentIds leaves out ${AGENT}, so nothing can be run by webhooks`);
    return [];
  }
  const prefixes = hooks.allowRequestSessionKey ? hooks.allowedSessionKeyPrefixes : undefined;
  const sessions = { fallback: hooks.defaultSessionKey, prefixes };
  return (["agent", "wake"] as const).map((hook) => {
    const target: Target = { kind: "hook", hook, sessions };
    return bearerRoute(hook, { token, hooks, cases: [{ when: [], forEach: undefined, target }] });
  });
}

function mappingsOf(
  { mappings, presets }: Hooks,
  warnings: string[],
): { mapping: HookMapping; at: string }[] {
  const own = mappings.map((mapping, index) => ({ mapping, at: `hooks.mappings[${index}]` }));
  const named = presets.flatMap((name, index) => {
    const mapping = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
    const at = `hooks.presets[${index}]`;
    if (mapping === undefined) warnings.push(`${at} is not known to this version`);
    return mapping === undefined ? [] : [{ mapping, at }];
  });
  return [...own, ...named];
}

/** Why a mapping cannot do here what it does there; undefined: it can. */
function faultOf(mapping: HookMapping, hooks: Hooks): string | undefined {
  const { agentId = AGENT, sessionKey, transform } = mapping;
  if (transform !== undefined) {
    return "this version runs no transform, and without it the mapping means something else";
  }
  // Another agent may be there to be less able than ours.
  if (agentId !== AGENT) return `there is no agent ${JSON.stringify(agentId.slice(0, 64))}`;
  if (!mayRun(agentId, hooks)) return `hooks.allowedAgentIds leaves out ${AGENT}`;
  const path = pathOf(mapping);
  if (path === "agent" || path === "wake") return `${path} is answered before any mapping`;
  if (path !== undefined && !WebhookName.safeParse(path).success) {
    return "match.path must be one name in lower case";
  }
  return sessionFault(sessionKey, hooks);
}

function sessionFault(sessionKey: string | undefined, hooks: Hooks): string | undefined {
  if (sessionKey?.includes("{{") !== true) return undefined;
  if (!SessionKey.safeParse(sessionKey).success) {
    return 'a sessionKey with {{…}} must begin with text of its own, like "hook:"';
  }
  const [start = ""] = sessionKey.split("{{");
  const prefixes = hooks.allowedSessionKeyPrefixes;
  const allowed = prefixes.length === 0 || prefixes.some((prefix) => start.startsWith(prefix));
  return allowed ? undefined : "its sessionKey begins with none of hooks.allowedSessionKeyPrefixes";
}

function mayRun(agent: string, { allowedAgentIds }: Hooks): boolean {
  const allowed = allowedAgentIds ?? ["*"];
  return allowed.includes("*") || allowed.includes(agent);
}

function pathOf({ match }: HookMapping): string | undefined {
  const path = match?.path?.trim().replace(/^\/+|\/+$/g, "");
  return path === "" ? undefined : path;
}

function caseOf(mapping: HookMapping, hooks: Hooks): Case {
  const source = mapping.match?.source?.trim();
  const when = source === undefined || source === "" ? [] : [isSource(source)];
  return { when, forEach: mapping.forEach, target: targetOf(mapping, hooks) };
}

function isSource(source: string): Condition {
  return {
    path: "source",
    header: undefined,
    equals: source,
    oneOf: undefined,
    matches: undefined,
    exists: undefined,
    not: false,
  };
}

function targetOf(mapping: HookMapping, { defaultSessionKey }: Hooks): Target {
  const deliver = recipientOf(mapping);
  if (mapping.action === "wake") {
    return { kind: "wake", template: mapping.textTemplate, deliver };
  }
  return {
    kind: "agent",
    template: mapping.messageTemplate,
    name: mapping.name === "" ? undefined : mapping.name,
    sessionKey: mapping.sessionKey ?? defaultSessionKey,
    deliver,
  };
}

function recipientOf({ deliver, channel, to }: HookMapping): Recipient | undefined {
  const complete = channel !== undefined && channel !== "last" && to !== undefined && to !== "";
  return deliver !== false && complete ? { channel, to } : undefined;
}

/** Whoever wants an answer where the last one went: there is no such place for a webhook. */
function asksForLast(mapping: HookMapping): boolean {
  const asks = mapping.deliver === true || mapping.channel !== undefined;
  return asks && mapping.deliver !== false && recipientOf(mapping) === undefined;
}

function bearerRoute(
  name: string,
  parts: { readonly token: Secret; readonly hooks: Hooks; readonly cases: readonly Case[] },
): IngressRouteSettings {
  const { token, hooks, cases } = parts;
  const isMail = cases.some(({ forEach }) => forEach !== undefined) && name === "gmail";
  return {
    name,
    scheme: "bearer",
    verifyAt: "edge",
    secrets: [token],
    async verification() {
      const digest = createHash("sha256").update(token.reveal()).digest("base64url");
      return { scheme: "bearer", digests: [digest] };
    },
    mode: "express",
    sync: undefined,
    methods: ["POST"],
    contentTypes: undefined,
    admission: undefined,
    rate: undefined,
    dedupe: "id",
    laneHeader: undefined,
    maxBodyBytes: Math.min(
      Math.max(hooks.maxBodyBytes, isMail ? MAX_GMAIL_BYTES : 0),
      LIMITS.maxWebhookBytes,
    ),
    cases,
  };
}

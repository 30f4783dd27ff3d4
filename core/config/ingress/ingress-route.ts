import type {
  Case,
  CheckedScheme,
  Condition,
  Delivery,
  IngressRouteSettings,
  SenderScheme,
  Target,
} from "./ingress.ts";
import type { Condition as WrittenCondition } from "../sections/ingress/condition.ts";
import type { Route } from "../sections/ingress/route.ts";
import { configErrorText } from "../issues/error.ts";
import { secretsOf, verificationOf } from "./verification.ts";

/**
 * How long a sender is kept waiting, when nobody says: what it allows, less what the way takes.
 * Slack, Discord and LINE give up after some 3 s, Teams and Twilio after 15.
 */
const SYNC_MS: ReadonlyMap<CheckedScheme, number> = new Map([
  ["slack", 2_500],
  ["discord", 2_500],
  ["twilio", 12_000],
  ["teams", 12_000],
  ["teams-outgoing", 4_000],
  ["google-chat", 25_000],
]);
const DEFAULT_SYNC_MS = 8_000;

/** Senders that do something with what they are answered; all others want a status and no more. */
const READS_ANSWERS: ReadonlySet<CheckedScheme> = new Set([
  ...SYNC_MS.keys(),
  "hmac",
  "bearer",
  "basic",
  "header",
]);

/** True when it makes sense to let the sender wait for what the agent says. */
export function readsAnswers(scheme: CheckedScheme): boolean {
  return READS_ANSWERS.has(scheme);
}

/** What webhooks of a scheme may need, in bytes. */
export type SizeOf = (scheme: CheckedScheme) => number;

/** One entry of `sallyport.ingress.routes` as the rest of the core wants it. Pure. */
export function ingressRoute(name: string, route: Route, sizeOf: SizeOf): IngressRouteSettings {
  const { verify, mode, sync, allow, maxBodyBytes } = route;
  const { scheme } = verify;
  return {
    name,
    scheme,
    verifyAt: route.verifyAt,
    secrets: [...secretsOf(route), ...(verify.verifyTokens ?? [])],
    async verification() {
      const made = verificationOf(route);
      if (made.ok) return made.value;
      const file = `the webhook ${name}`;
      throw new RangeError(configErrorText({ reason: "invalid", file, issues: made.error }));
    },
    mode,
    sync:
      mode === "sync"
        ? {
            deadlineMs: sync?.deadlineMs ?? SYNC_MS.get(scheme) ?? DEFAULT_SYNC_MS,
            fallback: sync?.fallback,
          }
        : undefined,
    methods: route.methods,
    contentTypes: route.contentTypes,
    admission: allow,
    rate: route.rate,
    dedupe: route.dedupe,
    laneHeader: route.laneHeader,
    maxBodyBytes: maxBodyBytes ?? sizeOf(scheme),
    cases: casesOf(route),
  };
}

const LEAVES_A_WAY: ReadonlySet<CheckedScheme> = new Set<SenderScheme>(["slack", "discord"]);

/** True when webhooks of this scheme may leave a way to answer their sender later. */
export function leavesWay(scheme: CheckedScheme): boolean {
  return LEAVES_A_WAY.has(scheme);
}

function casesOf({ cases, when = [], verify, ...own }: Route): Case[] {
  const all = cases ?? [{ ...own, when: [], forEach: undefined }];
  return all.flatMap((one) => {
    const target = targetOf(one, leavesWay(verify.scheme) ? "sender" : undefined);
    const conditions = [...when, ...(one.when ?? [])].map(conditionOf);
    return target === undefined ? [] : [{ when: conditions, forEach: one.forEach, target }];
  });
}

type WrittenTarget = Pick<Route, "agent" | "wake" | "channel" | "forward">;

/** @param usual - Where the answer of an agent goes when nobody says. */
function targetOf(
  { agent, wake, channel, forward }: WrittenTarget,
  usual: Delivery | undefined,
): Target | undefined {
  if (agent !== undefined) {
    const { template, name, sessionKey } = agent;
    const deliver = deliveryOf(agent.deliver ?? usual);
    return { kind: "agent", template, name, sessionKey, deliver };
  }
  if (wake !== undefined) {
    return { kind: "wake", template: wake.template, deliver: deliveryOf(wake.deliver) };
  }
  if (channel !== undefined) return { kind: "channel", channel };
  if (forward === undefined) return undefined;
  const { url, headers, timeoutMs } = forward;
  return {
    kind: "forward",
    url: new URL(url),
    headers: new Map(Object.entries(headers)),
    timeoutMs,
  };
}

function deliveryOf(written: Delivery | "none" | undefined): Delivery | undefined {
  return written === "none" ? undefined : written;
}

function conditionOf({ path = "", header, not, ...tests }: WrittenCondition): Condition {
  const { equals, oneOf, matches, exists } = tests;
  return { path, header, equals, oneOf, matches, exists, not };
}

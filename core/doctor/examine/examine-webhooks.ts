/** Webhooks: set up, published, guarded, and dealt with. */
import { HOOKS_PATH } from "../../../shared/edge-bundle.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { IngressRouteSettings } from "../../config/ingress/ingress.ts";
import type { Settings } from "../../config/settings.ts";
import { WebhookPage } from "../../webhooks/methods/answers.ts";
import type { EdgeSubject } from "./edge-subject.ts";
import type { Examination } from "./examination.ts";
import type { GatewayFacts } from "./examine-gateway.ts";
import { send } from "../probes/http.ts";
import { type Report, timed } from "../report.ts";
import {
  judgeDead,
  judgeGuards,
  judgePublished,
  judgeRoutes,
  judgeWaiting,
  type Knock,
  STUCK_MS,
  type Taken,
  takenBy,
} from "../verdicts/webhooks.ts";

/** Routes that are knocked at: the edge takes an address that fails too often for an attacker's. */
const MAX_KNOCKS = 16;
/** Relays may have to be woken first. */
const ASK_TIMEOUT_MS = 10_000;
/** Dead letters of one look. */
const MAX_COUNTED = 200;

export interface WebhookSubject {
  readonly examination: Examination;
  readonly settings: Settings | undefined;
  /** A connector runs in place of a gateway. */
  readonly connects: boolean;
  readonly gateway: GatewayFacts | undefined;
  /** The edge, when it can be reached; else why not. */
  readonly edge: EdgeSubject | string;
}

export async function examineWebhooks(subject: WebhookSubject, report: Report): Promise<void> {
  const { settings, connects } = subject;
  const taken = settings === undefined ? undefined : takenBy(settings, connects);
  if (taken === undefined) report.skip(["webhook.routes"], "its webhooks are not known");
  else report.add("webhook.routes", judgeRoutes(taken));
  examinePublished(subject, report);
  await examineGuard(subject, taken, report);
  await examineWork(subject, report);
}

function examinePublished({ gateway, edge }: WebhookSubject, report: Report): void {
  const tunnel = gateway?.tunnel;
  if (typeof edge === "string") report.skip(["webhook.published"], edge);
  else if (tunnel === undefined || tunnel.mode === "standby") {
    report.skip(["webhook.published"], "no gateway that leads tells");
  } else report.add("webhook.published", judgePublished(tunnel.relays));
}

async function examineGuard(
  { settings, connects, edge }: WebhookSubject,
  taken: Taken | undefined,
  report: Report,
): Promise<void> {
  // What the core has to check, the edge lets in unproven: that would be a dead letter.
  const routes = taken?.routes.filter(({ verifyAt }) => verifyAt === "edge") ?? [];
  const because =
    typeof edge === "string"
      ? edge
      : taken === undefined
        ? "its webhooks are not known"
        : "the edge checks the senders of none";
  if (typeof edge === "string" || routes.length === 0) {
    report.skip(["webhook.guard"], because);
    return;
  }
  // A connector's are where its upstream has them.
  const base = connects ? HOOKS_PATH : (settings?.ingress.path ?? HOOKS_PATH);
  const { value: knocks, ms } = await timed(() =>
    Promise.all(
      routes.slice(0, MAX_KNOCKS).map(({ name }) =>
        knockAt(
          edge,
          settings?.ingress.routes.find((route) => route.name === name),
          `${base}/${name}`,
        ),
      ),
    ),
  );
  report.add("webhook.guard", judgeGuards(knocks, routes.length), ms);
}

/** A webhook that anybody could send, of a kind that the route takes. */
async function knockAt(
  { url, timeoutMs, openWay }: EdgeSubject,
  route: Pick<IngressRouteSettings, "methods" | "contentTypes"> | undefined,
  path: string,
): Promise<Knock> {
  const { methods: [method = "POST"] = [], contentTypes: [contentType] = [] } = route ?? {};
  const headers: Record<string, string> = {};
  if (contentType !== undefined) headers["Content-Type"] = contentType;
  const way = await openWay();
  const outcome = await send({ url: new URL(path, url), method, headers }, way, timeoutMs);
  return { path, outcome };
}

async function examineWork(subject: WebhookSubject, report: Report): Promise<void> {
  const until = subject.examination.now() - STUCK_MS;
  const waiting = await ask(subject, "webhooks.list", { state: "waiting", until, limit: 1 });
  if (typeof waiting === "string") {
    report.skip(["webhook.waiting", "webhook.dead"], waiting);
    return;
  }
  report.add("webhook.waiting", judgeWaiting(waiting.webhooks.length > 0));
  const dead = await ask(subject, "webhooks.deadLetters", { limit: MAX_COUNTED });
  if (typeof dead === "string") {
    report.skip(["webhook.dead"], dead);
    return;
  }
  const { webhooks, next, silent } = dead;
  const routes = new Set(webhooks.map(({ route }) => route));
  report.add("webhook.dead", judgeDead(webhooks.length, next !== null, routes, silent));
}

/** @returns What the gateway says, or why it says nothing. */
async function ask(
  { examination, gateway }: WebhookSubject,
  method: string,
  params: object,
): Promise<WebhookPage | string> {
  if (gateway?.token === undefined) return "no gateway lets us in";
  const { url, token } = gateway;
  const timeoutMs = Math.max(examination.timeoutMs, ASK_TIMEOUT_MS);
  try {
    const answer = await examination.call({ url: url.origin, token, timeoutMs }, method, params);
    return WebhookPage.safeParse(answer?.payload).data ?? "the gateway does not tell";
  } catch (error) {
    // One that stands by has no RPC before it leads; an older one, no such method.
    if (error instanceof GatewayError) return `the gateway does not tell: ${error.message}`;
    throw error;
  }
}

/** `webhooks.test`: a genuine sample, sent the way its sender would. */
import * as z from "zod";
import { utf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { IngressRouteSettings } from "../../config/ingress/ingress.ts";
import type { Tested, WebhookDetails } from "./answers.ts";
import type { NamedMethod, WebhookMethodParts } from "./parts.ts";
import { details } from "./show.ts";
import { within } from "./wait.ts";
import type { SampleBody } from "../samples/sample.ts";

/** Longer answers are for senders, not for people. */
const MAX_ANSWER_UNITS = 2_000;
/** The edge answers within 2.5 s, unless the route waits for what the core says. */
const ANSWER_TIMEOUT_MS = 35_000;
/** Of routes, in one message. */
const MAX_NAMED = 20;
/** The sample is among the newest webhooks of its route. */
const NEWEST = 100;

const Test = z.strictObject({
  route: z.string().min(1).max(64),
  /** The sender's name of the event; default: its usual one. */
  event: z.string().min(1).max(128).optional(),
  /** How long to wait for it to arrive here. */
  waitMs: z.int().min(0).max(25_000).default(5_000),
});

export function testMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  return [
    [
      "webhooks.test",
      { scope: "operator.admin", call: (params) => test(parts, Test.parse(params ?? {})) },
    ],
  ];
}

async function test(parts: WebhookMethodParts, wish: z.output<typeof Test>): Promise<Tested> {
  const { routes } = parts.ingress();
  const route = routes.find(({ name }) => name === wish.route);
  if (route === undefined) {
    const names = routes.map(({ name }) => name).slice(0, MAX_NAMED);
    const hint = names.length === 0 ? "none is set up" : `there is ${names.join(", ")}`;
    throw new GatewayError("not_found", `No such route; ${hint}`);
  }
  const { door, now } = parts;
  const { url: base, fetch } = door();
  const url = new URL(route.name, base);
  const seed = { id: crypto.randomUUID(), now: now() };
  const sample = await sampleFor(route, wish.event, seed);
  const request = await signed(route, sample, url, seed);
  const response = await fetch(request).catch((cause: unknown) => {
    throw new GatewayError("bad_response", `${url.origin} cannot be reached from here`, { cause });
  });
  const answer = (await response.text()).slice(0, MAX_ANSWER_UNITS);
  const requestId = response.headers.get("X-Request-Id") ?? seed.id;
  const { status } = response;
  const { event, isHandshake } = sample;
  const webhook =
    response.ok && !isHandshake
      ? await arrived(parts, route.name, requestId, wish.waitMs)
      : undefined;
  return {
    url: url.href,
    event,
    status,
    answer,
    requestId,
    isHandshake,
    webhook: webhook ?? null,
  };
}

async function sampleFor(
  { scheme, name }: IngressRouteSettings,
  event: string | undefined,
  seed: { readonly id: string; readonly now: number },
): Promise<SampleBody> {
  // Loaded by those who test a route: most gateways start and never do.
  const { sampleOf } = await import("../samples/sample.ts");
  const sample = sampleOf(scheme, event, seed);
  if (!("events" in sample)) return sample;
  const { events } = sample;
  const why =
    events.length === 0
      ? `only ${scheme} itself can sign for ${name}: send a real one`
      : `${scheme} has the samples ${events.join(", ")}`;
  throw new GatewayError("invalid_request", why);
}

async function signed(
  route: IngressRouteSettings,
  { contentType, headers, body }: SampleBody,
  url: URL,
  { id, now }: { readonly id: string; readonly now: number },
): Promise<Request> {
  const { signSample } = await import("../../../shared/ingress/sign.ts");
  const bytes = utf8(body);
  const plain = route.secrets[0]?.reveal();
  const [method = "POST"] = route.methods;
  const wish = { url, method, body: bytes, now, id, ...(plain === undefined ? {} : { plain }) };
  const proof = await signSample(await route.verification(), wish);
  if (proof === undefined) {
    throw new GatewayError("invalid_request", `only ${route.scheme} itself can sign that`);
  }
  for (const [name, value] of Object.entries(headers)) proof.set(name, value);
  proof.set("Content-Type", contentType);
  // Ours from the first hop on, so that it is found wherever it got.
  proof.set("X-Request-Id", id);
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  return new Request(url, { method, headers: proof, body: bytes, signal });
}

/** The sample in the log: it has the id of its request. */
async function arrived(
  parts: WebhookMethodParts,
  route: string,
  requestId: string,
  waitMs: number,
): Promise<WebhookDetails | undefined> {
  const { store } = parts;
  return within(parts, waitMs, async () => {
    const rows = await store.webhooks({ route, limit: NEWEST });
    const row = rows.find((one) => one.requestId === requestId);
    const full = row === undefined ? undefined : await store.webhook(row.id);
    return full === undefined ? undefined : details(parts, full);
  });
}

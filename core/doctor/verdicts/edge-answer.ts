/** Whether what answers at the edge's address is an edge of ours. Pure. */
import * as z from "zod";
import { LIMITS } from "../../../shared/limits.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";

/** One whole answer, as far as it is worth reading. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Unix ms of the request, and of the head of its answer. */
  readonly sentAt: number;
  readonly answeredAt: number;
}

export type HttpOutcome =
  | { readonly result: "answered"; readonly answer: HttpAnswer }
  | { readonly result: "failed"; readonly reason: string };

const EdgeHealth = z.object({
  ok: z.literal(true),
  edge: z.object({ version: z.string() }),
  core: z.object({ connected: z.boolean() }),
});

/** What a gateway answers, for one that stands where the edge should be. */
const GatewayHealth = z.object({ ok: z.literal(true), status: z.string() });

const Problem = z.object({ code: z.string(), detail: z.string(), hop: z.string().optional() });
export type Problem = z.output<typeof Problem>;

/** @param own - Version of this program. */
export function judgeEdge(url: URL, outcome: HttpOutcome, own: string): Verdict {
  if (outcome.result === "failed") {
    return failed(`no answer from ${url.host}: ${outcome.reason}`, "see that the edge runs");
  }
  const { answer } = outcome;
  const body = jsonOrUndefined(answer.text);
  const health = EdgeHealth.safeParse(body);
  if (!health.success) return foreign(url, answer, GatewayHealth.safeParse(body).success);
  const { edge, core } = health.data;
  if (!core.connected) {
    return warning(
      `an edge (${edge.version}), and no core is connected to it`,
      "the checks below say why; with all of them ok, start the gateway",
    );
  }
  if (edge.version === own) return ok(`an edge (${edge.version}), and a core is connected to it`);
  return warning(
    `the edge has version ${edge.version}, this is ${own}`,
    "deploy the edge anew (sallyport edge deploy), or update this machine",
  );
}

function foreign(url: URL, { status, headers }: HttpAnswer, isGateway: boolean): Verdict {
  if (isGateway) {
    return failed(
      `${url.origin} leads to a gateway, not to an edge: its requests would come back to it`,
      "set sallyport.edge.url to the address of the edge",
    );
  }
  const location = headers["location"] ?? "";
  if (/cloudflareaccess\.com|\/cdn-cgi\/access\//.test(location)) {
    return failed(
      "Cloudflare Access asks for a login",
      "set sallyport.edge.access to a service token, and let webhooks pass Access",
    );
  }
  const to = location === "" ? "" : `, to ${location.slice(0, 80)}`;
  return failed(
    `${url.origin} answered ${status}${to}, which is no answer of an edge`,
    "check sallyport.edge.url; another site, or something in front of the edge, has answered",
  );
}

/** A `Date` has whole seconds, and the answer was on its way. */
const CLOCK_GRAIN_MS = 1_000;
/** Worth a look long before anything is refused. */
const SKEW_MS = 5_000;

/** The edge's clock minus ours; undefined when the answer does not say. */
export function skewOf({ headers, sentAt, answeredAt }: HttpAnswer): number | undefined {
  const at = Date.parse(headers["date"] ?? "");
  if (Number.isNaN(at)) return undefined;
  // Anything from its second to the next may be the truth.
  const earliest = at - answeredAt;
  const latest = at + CLOCK_GRAIN_MS - sentAt;
  if (earliest <= 0 && latest >= 0) return 0;
  return earliest > 0 ? earliest : latest;
}

export function judgeClock(skewMs: number): Verdict {
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) < SKEW_MS) return ok(`${seconds} s from the edge's`);
  const detail = `this machine is ${seconds} s ${skewMs > 0 ? "behind" : "ahead of"} the edge`;
  const fix = "set the clock: timedatectl set-ntp true";
  if (Math.abs(skewMs) <= LIMITS.connectSkewMs) return warning(detail, fix);
  return warning(`${detail}: each connection is refused once before it is corrected`, fix);
}

/** A webhook without credentials must be turned away, by the edge and by nobody before it. */
export function judgeGuard(path: string, outcome: HttpOutcome): Verdict {
  if (outcome.result === "failed") {
    return failed(`POST ${path} got no answer: ${outcome.reason}`, "see that the edge runs");
  }
  const { status } = outcome.answer;
  const problem = problemOf(outcome.answer);
  if (problem !== undefined) {
    const verdict = GUARD_VERDICTS.get(`${status} ${problem.code}`)?.(path);
    if (verdict !== undefined) return verdict;
  }
  if (isToldInPlainWords(outcome.answer)) return turnedAway(path);
  if (status < 300)
    return failed(`POST ${path} lets anyone in (${status})`, "this is no edge of ours");
  return failed(
    `POST ${path} answered ${status}, and not as an edge does`,
    "something in front of the edge keeps webhooks out: let /hooks/ pass it",
  );
}

/** As the gateway contract has it for hooks that take its own token. A proxy's has no request id. */
function isToldInPlainWords({ status, text, headers }: HttpAnswer): boolean {
  return status === 401 && text === "Unauthorized" && headers["x-request-id"] !== undefined;
}

function turnedAway(path: string): Verdict {
  return ok(`POST ${path} without credentials is turned away (401)`);
}

function unknownWebhook(path: string): Verdict {
  return failed(
    `the edge knows no webhook ${path}`,
    "it learns them from the core: see relay.connected and webhook.published",
  );
}

/** What an edge of ours answers to a webhook that proves nothing. */
const GUARD_VERDICTS: ReadonlyMap<string, (path: string) => Verdict> = new Map([
  ["401 unauthenticated", turnedAway],
  [
    "403 forbidden",
    (path) => ok(`POST ${path} is taken from some addresses only, and not from here (403)`),
  ],
  [
    "429 rate_limited",
    (path) => warning(`POST ${path} was not judged: too many attempts`, "try again in a minute"),
  ],
  ["404 not_found", unknownWebhook],
  ["503 core_offline", unknownWebhook],
]);

/** What the edge, a relay or the core says about an error; undefined for anything else. */
export function problemOf({ text }: HttpAnswer): Problem | undefined {
  return Problem.safeParse(jsonOrUndefined(text)).data;
}

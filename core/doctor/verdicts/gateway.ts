/** Whether the gateway of this machine answers, and as what. Pure: answers in, verdicts out. */
import * as z from "zod";
import { failed, ok, type Verdict, warning } from "./finding.ts";

/** What an edge says of itself, where a gateway says `version`. */
const EdgePart = z.object({ version: z.string() });
const CorePart = z.object({ connected: z.boolean(), version: z.string().nullish() });

/** Answer of a gateway to `GET /health`, its own or that of the edge it is behind. */
export const Health = z.object({
  ok: z.literal(true),
  status: z.string().optional(),
  /** With an accepted token. */
  version: z.string().optional(),
  model: z.object({ id: z.string(), demo: z.boolean() }).optional(),
  /** Of one that runs on with what it had. */
  configRefused: z.object({ reason: z.string() }).optional(),
  /** Of an edge; a gateway says here whether it has one, which is no matter. */
  edge: EdgePart.optional().catch(undefined),
  core: CorePart.optional().catch(undefined),
  /** Of an edge, with an accepted token. */
  relays: z.array(z.unknown()).optional(),
});
export type Health = z.output<typeof Health>;

/** Answer to `GET /readyz`. */
export const Readiness = z.object({ ready: z.boolean(), failing: z.array(z.string()).optional() });
export type Readiness = z.output<typeof Readiness>;

/** How a request to the gateway's own port ended. */
export type Answered<T> =
  | { readonly result: "answered"; readonly value: T }
  /** Somebody, but no gateway. */
  | { readonly result: "foreign"; readonly status: number }
  | { readonly result: "silent"; readonly reason: string };

/** Whether an edge answers for the gateway. */
export function isEdge({ edge, core }: Health): boolean {
  return edge !== undefined && core !== undefined;
}

/** Whether the token that was sent is good there: only then they tell more. */
export function isAccepted(health: Health): boolean {
  return (isEdge(health) ? health.relays : health.version) !== undefined;
}

/** The version of the gateway itself, as far as it is told. */
export function versionIn(health: Health): string | undefined {
  return isEdge(health) ? (health.core?.version ?? undefined) : health.version;
}

export function judgeHealth(url: string, answer: Answered<Health>): Verdict {
  if (answer.result === "answered") {
    const { status, core } = answer.value;
    if (isEdge(answer.value)) {
      return core?.connected === true
        ? ok(`an edge answers at ${url}, and a gateway is connected to it`)
        : failed(
            `an edge answers at ${url}, and no gateway is connected to it`,
            "start the gateway (sallyport gateway) where it is, and see its log: tunnel",
          );
    }
    const { configRefused } = answer.value;
    if (configRefused !== undefined) {
      return warning(
        `a gateway answers at ${url}, and does not run with its config as it is written: ${configRefused.reason}`,
        "correct the file: the gateway looks at it again as soon as it is written",
      );
    }
    return ok(`a gateway answers at ${url}${status === undefined ? "" : ` (${status})`}`);
  }
  if (answer.result === "foreign") {
    return failed(
      `${url} answered ${answer.status}, and not as a gateway does`,
      "another program has this port: stop it, or set gateway.port",
    );
  }
  return failed(
    `no gateway at ${url}: ${answer.reason}`,
    "start it (sallyport gateway) and read its first log lines, or say where it is with --port or --url",
  );
}

export function judgeToken(hasToken: boolean, health: Health): Verdict {
  if (isAccepted(health)) return ok("the gateway accepts the token");
  return hasToken
    ? failed(
        "the gateway does not accept the token",
        "it was started with another one: restart it, or say --token",
      )
    : warning("no token to try", "say --token to check what needs one");
}

/** @param own - Version of this program. */
export function judgeVersion(own: string, health: Health): Verdict {
  const version = versionIn(health);
  if (version === own) return ok(`sallyport ${own}`);
  return warning(
    `the gateway runs sallyport ${version ?? "of an unknown version"}, this is ${own}`,
    "restart the gateway to run what is installed",
  );
}

export function judgeRole({ status }: Health, readiness: Readiness | undefined): Verdict {
  if (status === "standby") return ok("stands by: another gateway has the state");
  if (readiness === undefined) {
    return warning("does not say whether it takes work", "restart it with this version");
  }
  if (readiness.ready) return ok("leads and takes work");
  const { failing = [] } = readiness;
  if (failing.includes("store")) {
    return failed("cannot save anything", "look at the disk of the state folder: full or failing");
  }
  return failed(
    `takes no work${failing.length === 0 ? "" : ` (${failing.join(", ")})`}`,
    failing.includes("draining") ? "it is stopping: start it again" : "its log says why",
  );
}

/** Whether the gateway of this machine answers, and as what. Pure: answers in, verdicts out. */
import * as z from "zod";
import { failed, ok, type Verdict, warning } from "./finding.ts";

/** Answer of a gateway to `GET /health`; an edge's has other fields in it. */
export const Health = z.object({
  ok: z.literal(true),
  status: z.string().optional(),
  /** With an accepted token. */
  version: z.string().optional(),
  model: z.object({ id: z.string(), demo: z.boolean() }).optional(),
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

export function judgeHealth(url: string, answer: Answered<Health>): Verdict {
  if (answer.result === "answered") {
    const { status } = answer.value;
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

export function judgeToken(hasToken: boolean, { version }: Health): Verdict {
  if (version !== undefined) return ok("the gateway accepts the token");
  return hasToken
    ? failed(
        "the gateway does not accept the token",
        "it was started with another one: restart it, or say --token",
      )
    : warning("no token to try", "say --token to check what needs one");
}

/** @param own - Version of this program. */
export function judgeVersion(own: string, { version }: Health): Verdict {
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

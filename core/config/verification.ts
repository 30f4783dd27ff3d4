/** From what a route says of its sender to what the scheme that checks it needs. */
import { createHash } from "node:crypto";
import type * as z from "zod";
import { Verification } from "../../shared/ingress/route.ts";
import { secretFault } from "../../shared/ingress/secret-fault.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Secret } from "../../shared/secret.ts";
import type { Issue } from "./error.ts";
import type { CheckedScheme, CheckedVerification } from "./ingress.ts";
import { pathText } from "./issues.ts";
import type { Route } from "./sections/ingress/route.ts";
import { nearest } from "./suggest.ts";
import { isTree, type Tree } from "./tree.ts";

/** What is all the proof there is: whoever has it may call, so its digest will do. */
const EQUALITY: ReadonlySet<CheckedScheme> = new Set(["bearer", "basic", "header", "telegram"]);

/** What stands in place of a secret: nothing the edge could not know. */
const PUBLIC: ReadonlyMap<CheckedScheme, "publicKeys" | "appIds" | "audiences"> = new Map([
  ["discord", "publicKeys"],
  ["discord-events", "publicKeys"],
  ["sendgrid", "publicKeys"],
  ["teams", "appIds"],
  ["google-chat", "audiences"],
]);

/** How GitLab's signing tokens begin, and its plain ones do not. */
const SIGNING_TOKEN = "whsec_";

/** What was meant to be filled in and was not: anybody can guess it. */
const REFERENCE = /^\$\{\w*\}$/;

/** Only these parts of a route count here. */
export type VerifiedRoute = Pick<Route, "verify" | "secret" | "secrets">;

/** True when the edge can check the sender without holding a secret. */
export function isPublicScheme(scheme: CheckedScheme): boolean {
  return EQUALITY.has(scheme) || PUBLIC.has(scheme);
}

/** All secrets of a route, the current one first. */
export function secretsOf({ secret, secrets = [] }: VerifiedRoute): readonly Secret[] {
  return secret === undefined ? secrets : [secret, ...secrets];
}

/**
 * The settings of the scheme, secrets revealed or digested: to be used at once, never kept. Pure.
 *
 * @returns What is wrong, with paths from the route down.
 */
export function verificationOf(route: VerifiedRoute): Result<CheckedVerification, Issue[]> {
  const { scheme } = route.verify;
  const secrets = secretsOf(route);
  const fault = faultOf(route, secrets);
  if (fault !== undefined) return err([fault]);
  const parsed = Verification.safeParse({ ...settingsOf(route), ...proofsOf(route, secrets) });
  if (!parsed.success) return err(parsed.error.issues.flatMap((one) => issueOf(one, scheme)));
  // Not among the names a route may have.
  if (parsed.data.scheme === "core") throw new RangeError("A route is verified by a scheme");
  const unfit = secretFault(parsed.data);
  if (unfit !== undefined) return err([{ path: placeOf(route), message: `cannot work: ${unfit}` }]);
  return ok(parsed.data);
}

/** Where the person has written what the scheme is checked by. */
function placeOf(route: VerifiedRoute): string {
  const list = PUBLIC.get(route.verify.scheme);
  if (list !== undefined) return `verify.${list}`;
  return route.secret === undefined ? "secrets" : "secret";
}

/** What can be told without the scheme's own schema, and better. */
function faultOf(route: VerifiedRoute, secrets: readonly Secret[]): Issue | undefined {
  const { scheme, kind } = route.verify;
  const isKind = kind === undefined || kind === "token" || kind === "signing";
  if (scheme === "gitlab" && !isKind) {
    return { path: "verify.kind", message: 'must be "token" or "signing"' };
  }
  const path = route.secret === undefined ? "secrets" : "secret";
  if (secrets.some((one) => REFERENCE.test(one.reveal()))) {
    const message = "is the name of a variable and not its value: those names are in capitals";
    return { path, message };
  }
  const list = PUBLIC.get(scheme);
  if (list === undefined) return secrets.length === 0 ? lackOf(scheme, list) : undefined;
  if (!route.verify[list]?.length) return lackOf(scheme, list);
  if (secrets.length === 0) return undefined;
  return { path, message: `has no use for ${scheme}, which is checked by verify.${list}` };
}

function lackOf(scheme: CheckedScheme, list: string | undefined): Issue {
  if (list === undefined) {
    const presented = EQUALITY.has(scheme)
      ? "what the sender presents"
      : `what ${scheme} signs with`;
    const what = scheme === "basic" ? '"user:password"' : presented;
    return { path: "secret", message: `is needed: ${what}, best as "\${NAME}" of a variable` };
  }
  return { path: `verify.${list}`, message: `is needed to know ${scheme} by` };
}

/** What was written, without what is named otherwise in the scheme. */
function settingsOf({ verify }: VerifiedRoute): Tree {
  const { verifyTokens, kind, ...settings } = verify;
  return {
    ...lowerHeaders(settings),
    ...(kind === undefined || verify.scheme === "gitlab" ? {} : { kind }),
    ...(verifyTokens === undefined ? {} : { verifyTokens: verifyTokens.map(digest) }),
  };
}

/** Header names are compared in lower case, and written as senders document them. */
function lowerHeaders(settings: Tree): Tree {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => {
      if (isTree(value)) return [key, lowerHeaders(value)];
      return [key, key === "header" && typeof value === "string" ? value.toLowerCase() : value];
    }),
  );
}

function proofsOf({ verify }: VerifiedRoute, secrets: readonly Secret[]): Tree {
  const { scheme, kind } = verify;
  if (PUBLIC.has(scheme)) return {};
  if (EQUALITY.has(scheme)) return { digests: secrets.map(digest) };
  if (scheme !== "gitlab") return { secrets: secrets.map((secret) => secret.reveal()) };
  const signs = (secret: Secret): boolean =>
    kind === undefined ? secret.reveal().startsWith(SIGNING_TOKEN) : kind === "signing";
  return {
    digests: secrets.filter((secret) => !signs(secret)).map(digest),
    secrets: secrets.filter(signs).map((secret) => secret.reveal()),
  };
}

function digest(secret: Secret): string {
  return createHash("sha256").update(secret.reveal()).digest("base64url");
}

function issueOf(issue: z.core.$ZodIssue, scheme: CheckedScheme): Issue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(issue.path, key, scheme));
  }
  const inSecrets = issue.path[0] === "secrets" || issue.path[0] === "digests";
  const path = inSecrets ? issue.path : ["verify", ...issue.path];
  const text = issue.message.startsWith("Invalid") ? `is not what ${scheme} needs` : issue.message;
  return [{ path: pathText(path), message: text.charAt(0).toLowerCase() + text.slice(1) }];
}

function unknownKey(path: readonly PropertyKey[], key: string, scheme: CheckedScheme): Issue {
  const at = pathText(["verify", ...path, key]);
  if (key === "secret" || key === "secrets" || key === "digests") {
    return { path: at, message: 'belongs beside "verify", as secret or secrets' };
  }
  const option = Verification.def.options.find(({ shape }) =>
    shape.scheme.def.values.some((name) => name === scheme),
  );
  const meant = nearest(key, Object.keys(option?.shape ?? {}));
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return { path: at, message: `is not a setting of ${scheme}${hint}` };
}

/** From what a route says of its sender to what the scheme that checks it needs. */
import { createHash } from "node:crypto";
import { Verification } from "../../../shared/ingress/route.ts";
import { secretFault, templateFault } from "../../../shared/ingress/secret-fault.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Secret } from "../../../shared/secret.ts";
import type { Issue } from "../issues/error.ts";
import type { CheckedScheme, CheckedVerification } from "./ingress.ts";
import type { Route } from "../sections/ingress/route.ts";
import { isTree, type Tree } from "../tree.ts";
import { neededText, schemaIssues, settingsOf, unknownKey } from "./verification-issues.ts";

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

/** Live at once, and the length of each. */
const MAX_LIVE = 4;
const MAX_SECRET = 1_024;

const USER_AND_PASSWORD = '"user:password"';

/** What of a scheme stands beside `verify`, and not in it. */
const PROOFS: ReadonlySet<string> = new Set(["secrets", "digests"]);

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
  const unknown = unknownKeys(route);
  if (unknown.length > 0) return err(unknown);
  const fault = faultOf(route, secrets) ?? secretsFault(route, secrets);
  if (fault !== undefined) return err([fault]);
  const written = { ...writtenIn(route), ...proofsOf(route, secrets) };
  const parsed = Verification.safeParse(written);
  if (!parsed.success) return err(schemaIssues(parsed.error, written, scheme));
  // Not among the names a route may have.
  if (parsed.data.scheme === "core") throw new RangeError("A route is verified by a scheme");
  const unfit = unfitness(parsed.data, route);
  return unfit === undefined ? ok(parsed.data) : err([unfit]);
}

function unknownKeys({ verify }: VerifiedRoute): Issue[] {
  const known = settingsOf(verify.scheme).filter((key) => !PROOFS.has(key));
  return Object.entries(verify).flatMap(([key, value]) =>
    value === undefined || known.includes(key) ? [] : [unknownKey([], key, verify.scheme)],
  );
}

/** All of it is of the right kind, and still no webhook would pass. */
function unfitness(verification: CheckedVerification, route: VerifiedRoute): Issue | undefined {
  if (verification.scheme === "hmac") {
    const fault = templateFault(verification);
    if (fault !== undefined) return cannot("verify", fault);
  }
  if (verification.scheme === "google-chat") {
    const fault = chatFault(verification);
    if (fault !== undefined) return fault;
  }
  const fault = secretFault(verification);
  return fault === undefined ? undefined : cannot(placeOf(route), fault);
}

function cannot(path: string, why: string): Issue {
  return { path, message: `cannot work: ${why}` };
}

/** Each kind of app is known by something else. */
function chatFault({
  kind,
  audiences,
  projectNumber,
}: Extract<CheckedVerification, { scheme: "google-chat" }>): Issue | undefined {
  if (kind === "addon" && projectNumber === undefined) {
    const path = "verify.projectNumber";
    return {
      path,
      message: 'is needed with kind "addon": the number of your Google Cloud project',
    };
  }
  const isFit = (audience: string): boolean =>
    kind === "project" ? /^\d+$/.test(audience) : URL.canParse(audience);
  if (audiences.every(isFit)) return undefined;
  const what = kind === "project" ? "the project number, in digits" : "the address of this webhook";
  return { path: "verify.audiences", message: `must be ${what}, with kind "${kind}"` };
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
  if (list === undefined) return secrets.length === 0 ? lackOf(scheme) : undefined;
  if (!route.verify[list]?.length) {
    return { path: `verify.${list}`, message: neededText(scheme, list) };
  }
  if (secrets.length === 0) return undefined;
  return { path, message: `has no use for ${scheme}, which is checked by verify.${list}` };
}

function lackOf(scheme: CheckedScheme): Issue {
  const presented = EQUALITY.has(scheme) ? "what the sender presents" : `what ${scheme} signs with`;
  const what = scheme === "basic" ? USER_AND_PASSWORD : presented;
  return { path: "secret", message: `is needed: ${what}, best as "\${NAME}" of a variable` };
}

/** What is none of this sender's, whatever it is. */
function secretsFault(route: VerifiedRoute, secrets: readonly Secret[]): Issue | undefined {
  const { scheme } = route.verify;
  if (secrets.length > MAX_LIVE) {
    return { path: "secrets", message: `are too many: with secret at most ${MAX_LIVE} are good` };
  }
  for (const [index, secret] of secrets.entries()) {
    const message = mistaken(scheme, secret.reveal());
    if (message !== undefined) return { path: pathOf(route, index), message };
  }
  return undefined;
}

function mistaken(scheme: CheckedScheme, secret: string): string | undefined {
  if (secret.length > MAX_SECRET) return `must have at most ${MAX_SECRET} characters`;
  if (scheme === "basic" && !secret.includes(":")) return `must be ${USER_AND_PASSWORD}`;
  if (scheme === "stripe" && /^[rsp]k_(?:live|test)_/.test(secret)) {
    return "is an API key: the signing secret of the endpoint begins with whsec_";
  }
  return undefined;
}

/** Of one secret, as the person has written it. */
function pathOf({ secret }: VerifiedRoute, index: number): string {
  if (secret === undefined) return `secrets[${index}]`;
  return index === 0 ? "secret" : `secrets[${index - 1}]`;
}

/** What was written, without what is named otherwise in the scheme. */
function writtenIn({ verify }: VerifiedRoute): Tree {
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

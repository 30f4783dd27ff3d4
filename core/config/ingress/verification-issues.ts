/** What is wrong with how a sender is checked, in words for the person who wrote it. Pure. */
import type * as z from "zod";
import { Verification } from "../../../shared/ingress/route.ts";
import type { Issue } from "../issues/error.ts";
import type { CheckedScheme } from "./ingress.ts";
import { pathText } from "../issues/path-text.ts";
import { nearest } from "../issues/suggest.ts";
import { isTree, type Tree } from "../tree.ts";

/** What a setting must be, by its name, and by scheme where that makes a difference. */
const WANTED: ReadonlyMap<string, string> = new Map([
  ["discord publicKeys", "64 hex digits, as the developer portal shows it"],
  ["discord-events publicKeys", "64 hex digits, as the developer portal shows it"],
  ["sendgrid publicKeys", "the verification key, base64 as SendGrid shows it"],
  ["teams appIds", "the Microsoft App ID of the bot"],
  [
    "google-chat audiences",
    'the project number (kind "project") or the address of this webhook (kinds "url", "addon")',
  ],
  ["hmac header", 'the name of the header with the signature, like "X-Signature"'],
  ["header header", 'the name of the header with the secret, like "X-Api-Key"'],
  ["timestamp.header", 'the name of the header with the time, like "X-Timestamp"'],
  ["id.header", 'the name of the header with the id, like "X-Event-Id"'],
  ["timestamp", 'an object like { header: "X-Timestamp" } or { key: "t" }'],
  ["timestamp.key", "the name of the time within the list of the signature's header"],
  ["id", 'an object like { header: "X-Event-Id" } or { path: "event.id" }'],
  ["id.path", 'a path in the body, like "event.id"'],
  ["key", "the name of the signature within a list of name=value, at most 32 characters"],
  ["prefix", 'text of at most 64 characters, like "sha256="'],
  ["separator", "one to four characters"],
  ["signed", 'text with {body} in it, like "{timestamp}.{body}", at most 256 characters'],
  ["toleranceSeconds", "a whole number of seconds, from 1 to 86400"],
  ["projectNumber", 'digits in quotes, like "123456789012": the number, not the id of the project'],
  ["url", 'the whole address as the sender has it, like "https://edge.example/hooks/name"'],
  ["openIdUrl", "an http:// or https:// address"],
  ["keysUrl", "an http:// or https:// address"],
  ["issuer", "text of at most 512 characters"],
]);

/** Only Google's console knows what was chosen there. */
const CHAT_KINDS =
  '"project" or "url", as the authentication audience is set up in Google\'s console, or "addon"';

/** What the scheme's own schema found. @param written - What it was given. */
export function schemaIssues(
  { issues }: z.core.$ZodError,
  written: Tree,
  scheme: CheckedScheme,
): Issue[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(issue.path, key, scheme));
    }
    const path = pathText(["verify", ...issue.path]);
    const isMissing = valueAt(written, issue.path) === undefined;
    return [
      { path, message: `${isMissing ? "is needed:" : "must be"} ${wantedBy(issue, scheme)}` },
    ];
  });
}

/** What a list in place of secrets must have in it. */
export function neededText(scheme: CheckedScheme, setting: string): string {
  return `is needed: ${wanted(scheme, setting) ?? `to know ${scheme} by`}`;
}

/** A setting that the scheme has not. @param path - Of what it is in, from `verify` down. */
export function unknownKey(
  path: readonly PropertyKey[],
  key: string,
  scheme: CheckedScheme,
): Issue {
  const at = pathText(["verify", ...path, key]);
  if (key === "secret" || key === "secrets" || key === "digests") {
    return { path: at, message: 'belongs beside "verify", as secret or secrets' };
  }
  const known = path.length === 0 ? settingsOf(scheme) : [...(INNER.get(String(path[0])) ?? [])];
  const meant = nearest(key, known);
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return { path: at, message: `is not a setting of ${scheme}${hint}` };
}

/** Of the settings that are objects. */
const INNER: ReadonlyMap<string, readonly string[]> = new Map([
  ["timestamp", ["header", "key", "unit"]],
  ["id", ["header", "path"]],
]);

/** What may be written beside the name of a scheme. */
export function settingsOf(scheme: CheckedScheme): string[] {
  const option = Verification.def.options.find(({ shape }) =>
    shape.scheme.def.values.some((name) => name === scheme),
  );
  const own = Object.keys(option?.shape ?? {});
  // Told from the secrets themselves, or by hand.
  return scheme === "gitlab" ? [...own, "kind"] : own;
}

function wanted(scheme: CheckedScheme, setting: string): string | undefined {
  return WANTED.get(`${scheme} ${setting}`) ?? WANTED.get(setting);
}

function wantedBy(issue: z.core.$ZodIssue, scheme: CheckedScheme): string {
  const name = issue.path.filter((part) => typeof part === "string").join(".");
  if (scheme === "google-chat" && name === "kind") return CHAT_KINDS;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(String).join(", ")}`;
  return wanted(scheme, name) ?? `what ${scheme} needs`;
}

function valueAt(tree: Tree, path: readonly PropertyKey[]): unknown {
  return path.reduce((value: unknown, part) => {
    if (Array.isArray(value)) return value[Number(part)];
    return isTree(value) ? value[String(part)] : undefined;
  }, tree);
}

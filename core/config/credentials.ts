/** Which settings hold a secret. Pure. */

/**
 * The settings of our own schema that hold a credential, by dotted path. What refers to a variable
 * that is not set counts as left out: as it is, `${NAME}` would be the secret.
 */
const CREDENTIAL =
  /^(?:gateway\.(?:auth|remote)\.(?:token|password)|hooks\.token|hooks\.internal\.entries\.[^.]+\.action\.token|channels\.telegram\.botToken|models\.providers\.[^.]+\.apiKey|skills\.entries\.[^.]+\.apiKey|sallyport\.edge\.(?:pairing|access\.clientSecret)|sallyport\.upstream\.(?:token|hooksToken))$/;

/** The same of webhooks, whose names may have dots in them. */
const WEBHOOK_CREDENTIAL =
  /^sallyport\.ingress\.routes\..+\.(?:secret|(?:secrets|verify\.(?:publicKeys|appIds|audiences|verifyTokens))(?:\.\d+)?|forward\.headers\..+)$/;

/** Names that secrets go by, in any part of a config: in those that this version passes over, too. */
const SECRET_NAME =
  /(?:token|secret|password|passwd|passphrase|apikey|api_key|private_?key|signingkey|encryptionkey|accesskey|credentials?|serviceaccount|authorization|cookie)s?$/i;

/** Headers and variables: whatever is in them may be one. */
const SECRET_HOLDER = /^(?:headers|env|vars)$/i;

/** Addresses that open a door to whoever knows them, as those of chat services do. */
const SECRET_ADDRESS = /^hooks\.internal\.entries\.[^.]+\.action\.url$/;

/** Parts of a query that secrets are in. */
const SECRET_QUERY = /token|secret|key|sig|auth|pass|code/i;

/** Where secrets are, which is none. */
const NO_SECRET = /(?:file|path|dir)$/i;

/** `${NAME}` alone says where a secret is, and tells nothing of it. */
const REFERENCE = /^\$(?:\{[A-Z_][A-Z0-9_]*\}|[A-Z][A-Z0-9_]{0,127})$/;

/** True for the dotted path of a setting that holds a credential of ours. */
export function isCredential(path: string): boolean {
  return CREDENTIAL.test(path) || WEBHOOK_CREDENTIAL.test(path);
}

/** True when text at `path` is not for everybody's eyes: sooner one too many than one too few. */
export function isSensitive(path: readonly string[]): boolean {
  const dotted = path.join(".");
  if (isCredential(dotted) || SECRET_ADDRESS.test(dotted)) return true;
  const names = path.filter((part) => !/^\d+$/.test(part));
  const name = names.at(-1) ?? "";
  if (NO_SECRET.test(name)) return false;
  return SECRET_NAME.test(name) || names.slice(0, -1).some((part) => SECRET_HOLDER.test(part));
}

/** True for an address with a secret in it, wherever it stands. */
export function isSecretAddress(text: string): boolean {
  const url = text.includes("://") ? URL.parse(text) : null;
  if (url === null) return false;
  const { username, password, searchParams } = url;
  const asks = [...searchParams].some(([name, value]) => value !== "" && SECRET_QUERY.test(name));
  return username !== "" || password !== "" || asks;
}

/** True for text that only refers to a secret. */
export function isReference(text: string): boolean {
  return REFERENCE.test(text);
}

/** True when a number at `path` may be a secret as well: `maxTokens` counts something. */
export function isSensitiveNumber(path: readonly string[]): boolean {
  return isSensitive(path) && !/tokens$/i.test(path.at(-1) ?? "");
}

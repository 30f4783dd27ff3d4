/** What the secret of a setting is called where it is kept. Pure. */

/** Where everybody looks for them. */
const USUAL: Readonly<Record<string, string>> = {
  "channels.telegram.botToken": "TELEGRAM_BOT_TOKEN",
  "gateway.auth.token": "OPENCLAW_GATEWAY_TOKEN",
  "gateway.auth.password": "OPENCLAW_GATEWAY_PASSWORD",
  "gateway.remote.token": "SALLYPORT_REMOTE_TOKEN",
  "gateway.remote.password": "SALLYPORT_REMOTE_PASSWORD",
  "hooks.token": "OPENCLAW_HOOKS_TOKEN",
  "sallyport.edge.pairing": "SALLYPORT_EDGE_PAIRING",
};

/** Where the keys of these are looked for by everybody. */
const USUAL_KEYS: Readonly<Record<string, string>> = { google: "GEMINI_API_KEY" };

/** As long as a name in a reference may be. */
const MAX_NAME_UNITS = 128;
/** Numbers that are tried behind a name that is taken. */
const MAX_TRIES = 1_000;

/** The variable that a provider's key goes by. */
export function variableFor(provider: string): string {
  if (Object.hasOwn(USUAL_KEYS, provider)) return USUAL_KEYS[provider] ?? "";
  const name = provider.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
  return `${/^\d/.test(name) ? "_" : ""}${name}_API_KEY`;
}

/** A name for the secret of the setting at `path`: letters, digits and underscores, upper case. */
export function secretNameFor(path: readonly string[]): string {
  const [models, providers, id, name] = path;
  const isKey = models === "models" && providers === "providers" && name === "apiKey";
  if (isKey && path.length === 4 && id !== undefined) return beginning(variableFor(id));
  const dotted = path.join(".");
  if (Object.hasOwn(USUAL, dotted)) return USUAL[dotted] ?? "";
  const words = path.map((part) => part.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase());
  return beginning(words.join("_").replaceAll(/[^A-Z0-9]+/g, "_"));
}

/** With a letter at the start, and no longer than a name may be. */
function beginning(name: string): string {
  const bare = name.replace(/^_+/, "");
  const named = /^[A-Z]/.test(bare) ? bare : `KEY_${bare}`;
  return named.slice(0, MAX_NAME_UNITS).replace(/_+$/, "");
}

/** The name itself, or with a number behind it: the first that is free. */
export function freeName(name: string, isFree: (name: string) => boolean): string {
  for (let count = 2; count <= MAX_TRIES; count += 1) {
    const end = count === 2 ? "" : `_${count - 1}`;
    const tried = name.slice(0, MAX_NAME_UNITS - end.length) + end;
    if (isFree(tried)) return tried;
  }
  return name;
}

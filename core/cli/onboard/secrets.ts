/** Secrets belong into `.env`, and into the config a word on where they are. Pure. */
import { Secret } from "../../../shared/secret.ts";
import { isReference } from "../../config/credentials.ts";
import { isTree, mapTexts, type Tree } from "../../config/tree.ts";
import { variableFor } from "../../migrate/profiles.ts";

const VARIABLES: Readonly<Record<string, string>> = {
  "channels.telegram.botToken": "TELEGRAM_BOT_TOKEN",
  "gateway.auth.token": "OPENCLAW_GATEWAY_TOKEN",
  "gateway.auth.password": "OPENCLAW_GATEWAY_PASSWORD",
  "gateway.remote.token": "SALLYPORT_REMOTE_TOKEN",
  "gateway.remote.password": "SALLYPORT_REMOTE_PASSWORD",
  "sallyport.edge.pairing": "SALLYPORT_EDGE_PAIRING",
};

export interface Separated {
  /** With references in the place of secrets. */
  readonly config: Tree;
  readonly variables: ReadonlyMap<string, Secret>;
}

/** Takes the secrets out of a change of the config. */
export function separated(change: Tree): Separated {
  const variables = new Map<string, Secret>();
  const config = mapTexts(change, (text, path) => {
    const name = variableOf(path);
    if (name === undefined || text === "" || isReference(text)) return text;
    variables.set(name, new Secret(text));
    return `\${${name}}`;
  });
  return { config: isTree(config) ? config : {}, variables };
}

function variableOf(path: readonly string[]): string | undefined {
  const [models, providers, id, name] = path;
  const isKey = models === "models" && providers === "providers" && name === "apiKey";
  if (isKey && path.length === 4 && id !== undefined) return variableFor(id);
  const dotted = path.join(".");
  return Object.hasOwn(VARIABLES, dotted) ? VARIABLES[dotted] : undefined;
}

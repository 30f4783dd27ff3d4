import type { Secret } from "../../shared/secret.ts";
import type { CoreReady, TokenSource } from "./core-ready.ts";
import { type Environment, isSet } from "../process/place.ts";
import { shellQuote } from "../terminal/shell-quote.ts";

/**
 * What the launcher tells people. Pure, and without one secret: a command shows where a token is,
 * and the shell that runs it reads it there.
 */

/** Edge and core are up and connected. */
export interface Running {
  /** Base URL without a slash at the end. */
  readonly edge: string;
  readonly core: CoreReady;
  readonly token: Secret;
  /** Process id of the core. */
  readonly pid: number;
}

/** What the commands we print can refer to. */
export interface Shell {
  /** The Node that runs the core, and the core's entry; absolute. */
  readonly node: string;
  readonly core: string;
  /** What the user's shell has set. */
  readonly env: Environment;
}

/** Decide which config and which state the command line looks at. */
const LOCATIONS = ["OPENCLAW_HOME", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH"] as const;

/** Everything a new user needs, once, when all is up. */
export function banner({ edge, core }: Running, shell: Shell): string {
  return `
Sallyport is running.

  Edge      ${edge}
  Gateway   ${core.gateway}  (this machine only)
  Token     ${describeSource(core.token)}
  Model     ${describeModel(core.model)}

Chat through the edge:

  ${chatCommand(edge, core, shell)}

Send a webhook through the edge:

  ${webhookCommand(edge, core, shell)}

Ctrl-C stops everything.
`;
}

function describeSource(source: TokenSource): string {
  if (source.from === "env") return `in the environment variable ${source.name}`;
  return source.from === "file" ? `in the file ${source.path}` : "in the config file";
}

function describeModel({ id, demo }: CoreReady["model"]): string {
  if (!demo) return id;
  return `${id} - a DEMO with canned answers, not an AI. Set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real one`;
}

function chatCommand(edge: string, { token, model }: CoreReady, shell: Shell): string {
  const body = { model: model.id, messages: [{ role: "user", content: "Hello!" }] };
  return curl(`${edge}/v1/chat/completions`, expand(token, "token", shell), body);
}

function webhookCommand(edge: string, { hooks, hooksPath }: CoreReady, shell: Shell): string {
  if (hooks === null)
    return "off: set hooks.enabled and hooks.token in the config file to use them";
  const body = { message: "The build is green", name: "CI" };
  const command = curl(`${edge}${hooksPath}/agent`, expand(hooks, "token --hooks", shell), body);
  // One that was made for us counts as long as nobody configures anything.
  if (hooks.from !== "file") return command;
  return `${command}

  (as long as there is no config file; with one, once it has hooks.enabled and hooks.token)`;
}

/** One line: it survives being copied whatever the shell. */
function curl(url: string, token: string, body: object): string {
  return `curl -sS ${url} -H "Authorization: Bearer ${token}" -H 'Content-Type: application/json' -d ${shellQuote(JSON.stringify(body))}`;
}

/** What a shell replaces by the token, inside double quotes. */
function expand(source: TokenSource, command: string, { node, core, env }: Shell): string {
  if (source.from === "file") return `$(cat ${shellQuote(source.path)})`;
  // Set in a .env file it is not in the user's shell.
  if (source.from === "env" && isSet(env[source.name])) return `$${source.name}`;
  // Another shell may not have what this one was started with.
  const locations = LOCATIONS.flatMap((name) =>
    isSet(env[name]) ? [`${name}=${shellQuote(env[name])} `] : [],
  );
  return `$(${locations.join("")}${shellQuote(node)} ${shellQuote(core)} ${command})`;
}

/** What scripts read. The one place where the token is given away: they asked for it. */
export function readyLine({ edge, core, token, pid }: Running): string {
  const line = { edge, gateway: core.gateway, token: token.reveal(), model: core.model.id, pid };
  return `${JSON.stringify(line)}\n`;
}

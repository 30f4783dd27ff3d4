import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { nobodyAt } from "./nobody.ts";
import { type Target, targetOf, TARGET_OPTIONS } from "./target.ts";

const Answer = z.looseObject({
  ok: z.literal(true),
  status: z.string().optional(),
  version: z.string().optional(),
  model: z.object({ id: z.string(), demo: z.boolean() }).optional(),
  configRefused: z.object({ reason: z.string() }).optional(),
  edge: z
    .object({
      configured: z.boolean(),
      connected: z.boolean().optional(),
      lastError: z.string().nullish(),
    })
    .optional(),
});
type Answer = z.output<typeof Answer>;

/** What an edge says of itself; of its relays it only speaks to whoever it knows. */
const EdgeAnswer = z.object({
  edge: z.object({ version: z.string() }),
  core: z.object({ connected: z.boolean() }),
  relays: z.array(z.unknown()).optional(),
});

export const health: Command = {
  usage: "health [--json] [--probe] [--timeout MS] [--url URL] [--port N] [--token T]",
  summary: "Ask a running gateway whether it is well; exits 1 when it is not",

  async run(args, io) {
    const { values } = parseFlags(args, {
      ...TARGET_OPTIONS,
      probe: { type: "boolean" },
      verbose: { type: "boolean" },
      json: { type: "boolean" },
    });
    const { json = false, probe = false } = values;
    const target = await targetOf(values, io);
    const asked = await ask(target);
    if (!asked.ok) return report(asked.error, json, io);
    const answer = asked.value;
    const shown = target.token ?? target.password;
    if (shown !== undefined && answer.version === undefined) {
      const message = `the gateway at ${target.url} is live, but does not accept this token`;
      return report({ type: "gateway_request_error", message }, json, io);
    }
    if (json) io.out(JSON.stringify({ ...answer, ...(await details(target, answer, probe)) }));
    else io.out(describe(answer, target));
    return 0;
  },
};

/** What programs want to know; one that stands by has nobody who would tell. */
async function details(target: Target, answer: Answer, probe: boolean): Promise<object> {
  if (answer.version === undefined || answer.status === "standby") return {};
  const { askGateway } = await import("./client.ts");
  const payload = await askGateway(target, "health", { probe });
  return z.looseObject({}).parse(payload);
}

interface Fault {
  readonly type: "gateway_transport_error" | "gateway_request_error";
  readonly message: string;
}

async function ask(target: Target): Promise<Result<Answer, Fault>> {
  const { url, token, password, timeoutMs } = target;
  const credential = token ?? password;
  try {
    const response = await fetch(new URL("/health", url), {
      headers: credential === undefined ? {} : { Authorization: `Bearer ${credential.reveal()}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body: unknown = await response.json();
    const edge = EdgeAnswer.safeParse(body);
    if (edge.success) return await askThrough(edge.data, target);
    const answer = Answer.safeParse(body);
    if (answer.success) return ok(answer.data);
    const message = `${url} answered ${response.status}, and not as a gateway does`;
    return err({ type: "gateway_request_error", message });
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const why = whyNot(error);
    const message = why === NOBODY ? nobodyAt(target).message : `no gateway at ${url}: ${why}`;
    return err({ type: "gateway_transport_error", message });
  }
}

/** Behind an edge the gateway itself is asked, once it is known that both let us. */
async function askThrough(
  { core, relays }: z.output<typeof EdgeAnswer>,
  target: Target,
): Promise<Result<Answer, Fault>> {
  if (!core.connected) {
    const message = `the edge at ${target.url} is live, but no core is connected to it`;
    return err({ type: "gateway_request_error", message });
  }
  if (relays === undefined) return ok({ ok: true, status: "live" });
  const { askGateway } = await import("./client.ts");
  return ok(Answer.parse(await askGateway(target, "health", { probe: false })));
}

const NOBODY = "nothing listens there";

/** Never the text of an unknown error: it may hold the URL's secrets or a page of HTML. */
function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "TimeoutError") return "no answer in time";
  if (error instanceof SyntaxError) return "what answers there is no gateway";
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "ECONNREFUSED") return NOBODY;
  return code === "" ? "cannot connect" : `cannot connect (${code})`;
}

function report(fault: Fault, json: boolean, io: Io): number {
  if (json) io.out(JSON.stringify({ ok: false, error: fault }));
  else io.err(`sallyport: ${fault.message}`);
  return 1;
}

function describe(
  { status, version, model, edge, configRefused }: Answer,
  { url }: Target,
): string {
  if (version === undefined) return `ok: ${url} is live (with --token it tells more)`;
  const standsBy = status === "standby" ? ", which stands by for another one" : "";
  const lines = [`ok: sallyport ${version} at ${url}${standsBy}`];
  if (model !== undefined) {
    lines.push(
      `model: ${model.id}${model.demo ? " (a demo that only echoes: no key is set)" : ""}`,
    );
  }
  if (edge?.configured === true) {
    const state = edge.connected === true ? "connected" : (edge.lastError ?? "not connected");
    lines.push(`edge: ${state}`);
  }
  if (configRefused !== undefined) lines.push(`config: not as written: ${configRefused.reason}`);
  return lines.join("\n");
}

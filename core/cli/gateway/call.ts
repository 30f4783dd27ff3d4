import { GatewayError } from "../../../shared/errors.ts";
import { type Io, parseFlags } from "../command.ts";
import { gatewayUrl } from "../target-url.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";

/** A method may have work to do: runs take minutes. */
const TIMEOUT_MS = "30000";

const OPTIONS = {
  ...TARGET_OPTIONS,
  params: { type: "string" },
  "expect-final": { type: "boolean" },
  "expect-url": { type: "string" },
  json: { type: "boolean" },
} as const;

/** One method, and what it answers. */
export async function gatewayCall(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const [method, ...more] = positionals;
  if (method === undefined || more.length > 0) {
    throw new GatewayError("invalid_request", "usage: sallyport gateway call <method>");
  }
  const params = paramsOf(values.params);
  const { askGateway } = await import("../client.ts");
  const target = await targetOf({ timeout: TIMEOUT_MS, ...values }, io);
  checkUrl(target.url, values["expect-url"]);
  const expectFinal = values["expect-final"] === true;
  const payload = await askGateway(target, method, params, { expectFinal, stop: io.stop });
  io.out(values.json === true ? JSON.stringify(payload) : JSON.stringify(payload, null, 2));
  return 0;
}

/**
 * For programs that have looked before which gateway is asked: nothing is sent to another one.
 *
 * @throws GatewayError conflict, invalid_request
 */
function checkUrl(url: string, expected: string | undefined): void {
  if (expected === undefined || gatewayUrl(expected, "--expect-url") === url) return;
  throw new GatewayError(
    "conflict",
    `${url} would be asked, which is not what --expect-url says: look again which gateway is meant`,
  );
}

/** @throws GatewayError invalid_request */
function paramsOf(text: string | undefined): object {
  try {
    const params: unknown = JSON.parse(text ?? "{}");
    if (typeof params === "object" && params !== null && !Array.isArray(params)) return params;
  } catch {
    // Said below.
  }
  throw new GatewayError("invalid_request", "--params must be a JSON object");
}

import type * as z from "zod";
import type { Secret } from "../../../shared/secret.ts";
import { findWay } from "../../tunnel/relay/way.ts";
import type { Answered } from "../verdicts/gateway.ts";
import { problemOf } from "../verdicts/edge-answer.ts";
import { type HttpRequest, send } from "./http.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";

/** A gateway that is asked on its own port, by no proxy. */
export interface Asked {
  /** Base URL. */
  readonly url: URL;
  readonly token: Secret | undefined;
  readonly timeoutMs: number;
}

/** Never throws. */
export async function askGateway<T>(
  { url, token, timeoutMs }: Asked,
  path: string,
  schema: z.ZodType<T>,
): Promise<Answered<T>> {
  const request = { url: new URL(path, url), method: "GET", headers: bearer(token) } as const;
  const outcome = await sendDirectly(request, timeoutMs);
  if (outcome.result === "failed") {
    const { reason } = outcome;
    return {
      result: "silent",
      reason: reason === "ECONNREFUSED" ? "nothing listens there" : reason,
    };
  }
  const { text, status } = outcome.answer;
  const parsed = schema.safeParse(jsonOrUndefined(text));
  return parsed.success
    ? { result: "answered", value: parsed.data }
    : { result: "foreign", status };
}

/** One short question to the model; it costs what it costs. Status 0: no answer. */
export async function askModel({
  url,
  token,
  timeoutMs,
}: Asked): Promise<{ readonly status: number; readonly code: string }> {
  const body = JSON.stringify({
    model: "openclaw",
    messages: [{ role: "user", content: "Answer with the one word: ok" }],
  });
  const target = new URL("/v1/chat/completions", url);
  const request = { url: target, method: "POST", headers: bearer(token), body } as const;
  const outcome = await sendDirectly(request, timeoutMs);
  if (outcome.result === "failed") return { status: 0, code: outcome.reason };
  const { status } = outcome.answer;
  return { status, code: status === 200 ? "" : (problemOf(outcome.answer)?.code ?? "") };
}

/** As the header that proves who asks; empty without a token. */
export function bearer(token: Secret | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` };
}

async function sendDirectly(
  request: HttpRequest,
  timeoutMs: number,
): Promise<Awaited<ReturnType<typeof send>>> {
  const { origin } = request.url;
  const settings = { edge: new URL(origin), pairing: undefined, version: "", stateDir: "" };
  return send(request, await findWay(request.url, { ...settings, proxy: false }), timeoutMs);
}

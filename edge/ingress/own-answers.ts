/** What programs with the hooks token are told, in the words of the gateway contract: as the core does. */
import * as z from "zod/mini";
import { GatewayError } from "../../shared/errors.ts";
import { PROBLEM_TYPE } from "../../shared/problem.ts";
import { problem } from "../answer.ts";
import type { Visit } from "../visit.ts";
import type { Gate } from "./gate.ts";

const Refusal = z.object({ detail: z.string() });

/** Its senders have a token of the gateway, and know the answers of the contract. */
export function isOwn({ route }: Gate): boolean {
  return route.verification.scheme === "bearer";
}

/** The answer, or what became of it, in their words. @throws What was thrown by mistake. */
export async function toOwn(visit: Visit, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await inTheirWords(await answer());
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return inTheirWords(problem(visit, error, "edge"));
  }
}

/** Those that the contract has; all others are problem documents there and here. */
async function inTheirWords(response: Response): Promise<Response> {
  if (response.headers.get("Content-Type") !== PROBLEM_TYPE) return response;
  const { status } = response;
  if (status === 401) return said(response, "Unauthorized", "text/plain; charset=utf-8");
  if (status === 405) return said(response, "Method Not Allowed", "text/plain; charset=utf-8");
  if (status !== 400 && status !== 413) return response;
  const { detail } = Refusal.parse(await response.json());
  const error = status === 413 ? "payload too large" : detail;
  return said(response, JSON.stringify({ ok: false, error }), "application/json");
}

function said({ status, headers: before }: Response, text: string, type: string): Response {
  const headers = new Headers(before);
  headers.set("Content-Type", type);
  headers.delete("Content-Length");
  return new Response(text, { status, headers });
}

import { GatewayError } from "../../../shared/errors.ts";
import { printable } from "./ending.ts";

/** What a log line says of a failure: of one that is expected its words, of a bug all there is. */
export function faultFacts(fault: unknown): object {
  if (!(fault instanceof GatewayError)) return { err: fault };
  const { code, message, cause } = fault;
  const why = cause instanceof Error ? { cause: printable(wordsOf(cause)) } : {};
  return { code, reason: printable(message), ...why };
}

/** Several addresses that all fail give an error without words; its code says it. */
export function wordsOf(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  return error.message === "" ? code : error.message;
}

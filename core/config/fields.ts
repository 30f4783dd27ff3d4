import * as z from "zod";
import { Secret } from "../../shared/secret.ts";

/** A credential. It travels in headers, so only what a header can carry is one. */
export const SecretText = z
  .string({ error: "must be text; keep it out of this file with ${NAME}" })
  .regex(/^[\x21-\x7e]+$/, "must not be empty, and have neither spaces nor special characters")
  .max(4096)
  .transform((value) => new Secret(value));

/** An address we call. Credentials in it would end up in logs and error messages. */
export const HttpUrl = z
  .string()
  .refine(isHttpUrl, "must be an http:// or https:// address without credentials in it");

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || url.protocol === "http:";
}

/** Milliseconds, at most a day: what Node's timers can wait is less than a month. */
export const DurationMs = z
  .int()
  .min(1)
  .max(24 * 3_600_000);

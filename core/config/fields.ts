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

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time span as people write one, `90s`, `6h`; made into milliseconds. */
export function spanBetween(minMs: number, maxMs: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,9}(?:ms|s|m|h|d)$/, 'must be a time span like "90s", "10m", "6h" or "2d"')
    .transform(spanMs)
    .refine((ms) => ms >= minMs && ms <= maxMs, {
      error: `must be from ${spanText(minMs)} to ${spanText(maxMs)}`,
    });
}

function spanMs(text: string): number {
  const unit = Object.entries(UNIT_MS).find(([name]) => text.replace(/^\d+/, "") === name);
  return Number.parseInt(text, 10) * (unit?.[1] ?? 1);
}

function spanText(ms: number): string {
  const unit = Object.entries(UNIT_MS).findLast(([, size]) => ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}

/** Lists of one are written without brackets. */
export function oneOrMany<T extends z.ZodType>(
  schema: T,
  max: number,
): z.ZodPreprocess<z.ZodArray<T>> {
  return z.preprocess(
    (value) => (Array.isArray(value) || value === undefined ? value : [value]),
    z.array(schema).max(max, `must have at most ${max} entries`),
  );
}

/** A header name as we compare them. */
export const HeaderName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$/, "must be the name of a header")
  .transform((name) => name.toLowerCase());

/** The last part of `/hooks/<name>`. */
export const WebhookName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    "is no name for a webhook: lower-case letters, digits, dots, dashes and underscores",
  );

/** The first message each way of a resuming WebSocket: text, JSON. */
import * as z from "zod/mini";
import { err, ok, type Result } from "../result.ts";

const MAX_PROTOCOLS = 16;
/** Of the greetings as text: ids and names, nothing more. */
const MAX_GREETING_CHARS = 4_096;

const Counter = z.int().check(z.minimum(0), z.maximum(0xffff_ffff));
/** 256 random bits, URL-safe base64. */
const Id = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

/** Open objects: the other side may be of a later version. */
const Hello = z.object({
  /** The session to go on with; null: a new one. */
  resume: z.nullable(Id),
  /** The last message that came, modulo 2^32. */
  received: Counter,
  /** What the application would have offered for itself. */
  protocols: z
    .array(z.string().check(z.minLength(1), z.maxLength(128)))
    .check(z.maxLength(MAX_PROTOCOLS)),
});
export type Hello = z.output<typeof Hello>;

const Welcome = z.object({
  resume: Id,
  received: Counter,
  /** Of those offered, the one the application chose; empty for none. */
  protocol: z.string(),
  /** True: nothing of an earlier session is known here, both sides number from 1. */
  fresh: z.boolean(),
});
export type Welcome = z.output<typeof Welcome>;

export function readHello(text: string): Result<Hello, { readonly reason: "malformed" }> {
  return read(Hello, text);
}

export function readWelcome(text: string): Result<Welcome, { readonly reason: "malformed" }> {
  return read(Welcome, text);
}

function read<T>(
  schema: z.ZodMiniType<T>,
  text: string,
): Result<T, { readonly reason: "malformed" }> {
  if (text.length > MAX_GREETING_CHARS) return err({ reason: "malformed" });
  try {
    const greeting = schema.safeParse(JSON.parse(text));
    return greeting.success ? ok(greeting.data) : err({ reason: "malformed" });
  } catch {
    return err({ reason: "malformed" }); // not even JSON
  }
}

/** What a webhook sets off. */
import * as z from "zod";
import { Secret } from "../../../../shared/secret.ts";
import { HeaderName, HttpUrl } from "../../fields.ts";
import { Conditions } from "./condition.ts";

/** A prompt around the body, not a document. */
const MAX_TEMPLATE_UNITS = 32 * 1024;
/** Cases of one route. */
const MAX_CASES = 64;

const Template = z.string().min(1).max(MAX_TEMPLATE_UNITS);

/** `true` is short for "as by default". */
const orTrue = <T extends z.ZodType>(schema: T): z.ZodPreprocess<T> =>
  z.preprocess((value) => (value === true ? {} : value), schema);

export const Recipient = z.strictObject({
  channel: z.string().min(1).max(64),
  to: z.string().min(1).max(256),
});

/**
 * `sender`: back to who sent the webhook, where it has left a way. `none`: the answer stays in its
 * session.
 */
const Deliver = z.union([Recipient, z.enum(["sender", "none"])], {
  error: 'must be { "channel": …, "to": … }, "sender" or "none"',
});

/**
 * A session that a template names: its beginning must be ours, or whoever writes the body could
 * choose the owner's.
 */
export const SessionKey = z
  .string()
  .max(256)
  .regex(/^(?!agent:|\s)[^{\s][^{]*(?:\{\{[^{}]*\}\}[^{]*)*$/, 'must begin like "hook:github:"');

const AgentTarget = z.strictObject({
  template: Template.optional(),
  name: z.string().trim().min(1).max(128).optional(),
  sessionKey: SessionKey.optional(),
  deliver: Deliver.optional(),
});
const WakeTarget = z.strictObject({
  template: Template.optional(),
  deliver: Deliver.optional(),
});
/** What a header can hold, which is more than a credential: `Bearer …` has a space. */
const HeaderText = z
  .string()
  .regex(/^[\x20-\x7e]{1,4096}$/, "must be plain text of one line")
  .transform((value) => new Secret(value));
const ForwardTarget = z.strictObject({
  url: HttpUrl,
  headers: z.record(HeaderName, HeaderText).default({}),
  timeoutMs: z.int().min(100).max(300_000).default(30_000),
});

/** Exactly one of them. */
export const TargetFields = {
  agent: orTrue(AgentTarget).optional(),
  wake: orTrue(WakeTarget).optional(),
  channel: z.string().min(1).max(64).optional(),
  forward: ForwardTarget.optional(),
};

export const Cases = z
  .array(
    z.strictObject({
      when: Conditions.optional(),
      /** A list at the top of the body, each of whose elements is a webhook of its own. */
      forEach: z
        .string()
        .regex(/^[A-Za-z_][\w-]{0,127}$/, "must be a key at the top of the body")
        .optional(),
      ...TargetFields,
    }),
  )
  .min(1)
  .max(MAX_CASES);

/** What the `webhooks.*` methods answer: one shape for the command line, for UIs and for tests. */
import * as z from "zod";

/** `spooled`: at the edge, waiting for a core. `filtered`: taken in, and no case of its route wanted it. */
export const State = z.enum(["spooled", "waiting", "running", "done", "filtered", "dead"]);
export type State = z.output<typeof State>;

/** One webhook in a list. Times are Unix ms. */
export const WebhookEntry = z.object({
  /** Of the delivery; `edge/<relay>/<seq>` for one that only the edge has. */
  id: z.string(),
  /** Its place in the log; null for one that only the edge has. */
  seq: z.number().nullable(),
  route: z.string(),
  state: State,
  /** The scheme it was verified by; null: not yet. */
  verified: z.string().nullable(),
  /** Goes through every log line, from the edge to the reply. */
  requestId: z.string(),
  receivedAt: z.number(),
  /** When it was committed here. */
  acceptedAt: z.number().nullable(),
  /** Bytes of the body. */
  size: z.number(),
  /** Events in it. */
  items: z.number(),
  /** How often the sender sent it again. */
  duplicates: z.number(),
  /** The id of the delivery that this one repeats. */
  replayOf: z.string().nullable(),
  /** Why it is dead, or waits. */
  reason: z.string().nullable(),
});
export type WebhookEntry = z.output<typeof WebhookEntry>;

/** `webhooks.list` and `webhooks.deadLetters`. */
export const WebhookPage = z.object({
  webhooks: z.array(WebhookEntry),
  /** For the next page; null: this was the last. */
  next: z.string().nullable(),
  /** Relays that were asked and gave no answer. */
  silent: z.array(z.string()),
});
export type WebhookPage = z.output<typeof WebhookPage>;

/** `webhooks.tail`. */
export const WebhookTail = z.object({
  /** Oldest first. */
  webhooks: z.array(WebhookEntry),
  /** What to send as `after` next. */
  cursor: z.number(),
});
export type WebhookTail = z.output<typeof WebhookTail>;

/** One step of a webhook's way. */
export const Step = z.object({
  at: z.number(),
  what: z.enum(["received", "accepted", "began", "ended", "replied"]),
  text: z.string(),
});
export type Step = z.output<typeof Step>;

/** What the agent said at the end of one turn. */
export const Said = z.object({
  /** Of the event that it answers. */
  id: z.string(),
  sessionKey: z.string(),
  /** Its beginning. */
  text: z.string(),
  /** The session has more of it. */
  truncated: z.boolean(),
});
export type Said = z.output<typeof Said>;

/** `webhooks.show`. */
export const WebhookDetails = WebhookEntry.extend({
  method: z.string(),
  /** Credentials never get here: the edge has dropped them. */
  headers: z.array(z.tuple([z.string(), z.string()])),
  /** Of the address, with its `?`; or empty. */
  query: z.string(),
  body: z.object({
    preview: z.string(),
    encoding: z.enum(["utf8", "base64"]),
    /** There is more of it than the preview shows. */
    truncated: z.boolean(),
  }),
  lanes: z.array(z.string()),
  /** What its sender was answered when it waited for that; null: it did not. */
  answer: z.object({ status: z.number(), preview: z.string() }).nullable(),
  /** What the agent said to it, whoever was told. Gateways of earlier versions do not say. */
  said: z.array(Said).default([]),
  /** Ids of its replays. */
  replays: z.array(z.string()),
  /** From the edge to the reply, in order. */
  timeline: z.array(Step),
});
export type WebhookDetails = z.output<typeof WebhookDetails>;

/** `webhooks.body`, `webhooks.raw`: one piece of the bytes, as they came or without tokens. */
export const BodyPiece = z.object({
  /** Base64. */
  data: z.string(),
  total: z.number(),
  /** Where the next piece begins; null: this was the last. */
  next: z.number().nullable(),
});
export type BodyPiece = z.output<typeof BodyPiece>;

/** `webhooks.replay` and `webhooks.deadLetters.replay`. */
export const Replayed = z.object({
  dryRun: z.boolean(),
  replayed: z.array(
    z.object({
      id: z.string(),
      route: z.string(),
      /** Of the new delivery; null in a dry run, and at the edge, which delivers the old one again. */
      as: z.string().nullable(),
      /** What runs, in words. */
      runs: z.string(),
      /** How many webhooks this stands for: of dead letters at the edge there is no list. */
      count: z.number(),
    }),
  ),
  /** Those that were left out, and why. */
  skipped: z.array(z.object({ id: z.string(), why: z.string() })),
  /** There are more that fit than one call takes: the `cursor` of the next; null: that was all. */
  next: z.string().nullable(),
});
export type Replayed = z.output<typeof Replayed>;

/** `webhooks.deadLetters.drop`. */
export const Dropped = z.object({ dropped: z.number() });
export type Dropped = z.output<typeof Dropped>;

/** `webhooks.routes`. */
export const Routes = z.object({
  routes: z.array(
    z.object({
      name: z.string(),
      /** Where senders post to. */
      url: z.string(),
      scheme: z.string(),
      /** Where the sender is checked. */
      verifiedAt: z.enum(["edge", "core"]),
      mode: z.string(),
      /** What it sets off, in words; never a credential. */
      target: z.string(),
      /** Unix ms; null: nothing yet. */
      lastAt: z.number().nullable(),
      accepted: z.number(),
      duplicates: z.number(),
      /** As the relays have counted since they woke, and the core since its start. */
      refused: z.number(),
      /** How many for which reason. */
      reasons: z.record(z.string(), z.number()).default({}),
    }),
  ),
  /** Relays that were asked and gave no answer: what they refused lately may be missing. */
  silent: z.array(z.string()).default([]),
});
export type Routes = z.output<typeof Routes>;

/** `webhooks.test`. */
export const Tested = z.object({
  url: z.string(),
  event: z.string(),
  status: z.number(),
  /** The answer's body, cut short. */
  answer: z.string(),
  requestId: z.string(),
  /** It only tests the address, and is answered at the door. */
  isHandshake: z.boolean(),
  /** What became of it so far; null: it has not arrived. */
  webhook: WebhookDetails.nullable(),
});
export type Tested = z.output<typeof Tested>;

/** `webhooks.stats`. */
export const Stats = z.object({
  routes: z.array(
    z.object({
      route: z.string(),
      accepted: z.number(),
      duplicates: z.number(),
      lastAt: z.number().nullable(),
    }),
  ),
  relays: z.array(
    z.object({
      relay: z.string(),
      spooled: z.number(),
      dead: z.number(),
      /** Unix ms. */
      oldestAt: z.number().nullable(),
      /** By `<route> <reason>`. */
      refused: z.record(z.string(), z.number()),
    }),
  ),
});
export type Stats = z.output<typeof Stats>;

/** What the load process is asked to do, and what it reports: both ends parse these. */
import * as z from "zod";

export const Target = z.object({
  /** On the loopback address. */
  port: z.int(),
  method: z.enum(["GET", "POST"]).default("GET"),
  path: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  /** A header that gets another value in every request: so none is a repetition. */
  uniqueHeader: z.string().optional(),
  body: z.string().default(""),
  /** The one status that is no failure; absent: any of 2xx. */
  status: z.int().optional(),
});
export type Target = z.input<typeof Target>;

/** Requests back to back on each connection, for a time or until there were enough. */
const Requests = z.object({
  kind: z.literal("requests"),
  target: Target,
  connections: z.int().positive(),
  forMs: z.number().positive().default(Number.POSITIVE_INFINITY),
  count: z.number().positive().default(Number.POSITIVE_INFINITY),
});
export const RequestsResult = z.object({
  count: z.int(),
  /** Answers of another status than was expected. */
  failed: z.int(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});
export type RequestsResult = z.output<typeof RequestsResult>;

/** Reads one event stream whose events hold the `process.hrtime.bigint()` of their sending. */
const Events = z.object({ kind: z.literal("events"), target: Target });
export const EventsResult = z.object({
  /** Arrival minus sending, one an event. */
  delaysMs: z.array(z.number()),
  /** Milliseconds from the first arrival to the sending of the last. */
  leadMs: z.number(),
});
export type EventsResult = z.output<typeof EventsResult>;

/** One body after another on one connection, this way or that. */
const Transfer = z.object({
  kind: z.literal("transfer"),
  target: Target,
  /** Sent with each request; 0 for downloads. */
  uploadBytes: z.int().nonnegative(),
  times: z.int().positive(),
});
export const TransferResult = z.object({
  /** Of all bodies, in the direction that counts. */
  bytes: z.int(),
  seconds: z.number(),
});
export type TransferResult = z.output<typeof TransferResult>;

/** Messages that come back, on several WebSockets at once; each waits for its answers. */
const Echo = z.object({
  kind: z.literal("echo"),
  target: Target,
  sockets: z.int().positive(),
  bytes: z.int().positive(),
  /** Messages under way on each socket. */
  window: z.int().positive(),
  forMs: z.number().positive(),
});

/** WebSockets that say nothing, held open until the next task. */
const Idle = z.object({ kind: z.literal("idle"), target: Target, sockets: z.int().nonnegative() });
export const IdleResult = z.object({
  open: z.int(),
  /** Of those of the task before: closed while they should have been open. */
  closed: z.int(),
});
export type IdleResult = z.output<typeof IdleResult>;

/** A client that asks for much and takes nothing, until the next task. */
const Stall = z.object({
  kind: z.literal("stall"),
  target: Target,
  clients: z.int().nonnegative(),
});

/** One client of the gateway's WebSocket protocol, at the core's own port. */
const Line = z.object({ port: z.int(), token: z.string(), forMs: z.number().positive() });

/** One call of a method without params after another. */
const Calls = Line.extend({ kind: z.literal("calls"), method: z.string() });

/** One chat after another, each to its end. */
const Chats = Line.extend({ kind: z.literal("chats") });

export const Task = z.discriminatedUnion("kind", [
  Requests,
  Events,
  Transfer,
  Echo,
  Idle,
  Stall,
  Calls,
  Chats,
]);
export type Task = z.input<typeof Task>;
export type ParsedTarget = z.output<typeof Target>;
export type TaskOf<Kind extends z.output<typeof Task>["kind"]> = Extract<
  z.output<typeof Task>,
  { kind: Kind }
>;

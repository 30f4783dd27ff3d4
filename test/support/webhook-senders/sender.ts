/** Whoever sends webhooks: signs as the vendor does, and says what must become of it. */
import type { IngressRouteInput, SchemeName } from "../../../shared/ingress/route.ts";

/** Two that are live, so that one can be replaced, and one that nobody here knows. */
export type Key = "first" | "second" | "stranger";

/** What a sender knows when it makes up a webhook. */
export interface Draft {
  /** The address it was given, without a query. */
  readonly url: string;
  /** Unix ms on its clock. */
  readonly at: number;
  readonly key: Key;
}

/** One event: its id and its lane without the name of the route. An empty lane: the route itself. */
export interface SentItem {
  /** Undefined: the sender gives it none, and it gets one that is made of its content. */
  readonly id: string | undefined;
  readonly lane: string;
}

export interface Answer {
  readonly status: number;
  /** Undefined: none, or whatever. */
  readonly contentType?: string;
  readonly body: string;
}

export interface Sent {
  readonly method: "GET" | "POST";
  /** With its `?`, or empty. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface SentEvent extends Sent {
  readonly items: readonly SentItem[];
  /** What this sender wants to hear. */
  readonly answer: Answer;
}

/** A request that is no event. */
export interface Handshake extends Sent {
  readonly what: string;
  readonly answer: Answer;
}

export interface Sender {
  /** Of its route, too. */
  readonly name: string;
  readonly scheme: SchemeName;
  readonly verification: IngressRouteInput["verification"];
  /** Its proof goes with a time, which must be near ours. */
  readonly signsTime: boolean;
  /** What one bit of it may not be changed of; absent: only its headers prove where it comes from. */
  readonly tamper?: (sent: Sent) => Sent;
  /** Headers that hold a secret as it is: they end at the edge. */
  readonly secretHeaders?: readonly string[];
  /** Equal numbers are the same event; those that differ by a multiple of three share a lane. */
  send(event: number, draft: Draft): SentEvent | Promise<SentEvent>;
  readonly handshakes?: (draft: Draft) => readonly Handshake[] | Promise<readonly Handshake[]>;
}

export const OK: Answer = { status: 200, body: "" };

/** As a route of the bundle. */
export function routeOf({ name, verification }: Sender): IngressRouteInput {
  return { name, verification, maxBodyBytes: 1024 * 1024 };
}

/** What text goes through on its way: signs above the basic plane, quotes, line ends, other scripts. */
export const TEXT = 'Grüße 👋🏽 "quoted" back\\slash <b>&amp;</b> 100% +1 a=b 日本語\u2028\r\n/end';

/** Whose conversation event `number` belongs to. */
export function conversationOf(event: number): number {
  return 700 + (event % 3);
}

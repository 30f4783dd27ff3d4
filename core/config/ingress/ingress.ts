/** What the settings say of webhooks: where each comes in, how its sender is known, what it sets off. */
import type {
  Admission,
  FixedAnswer,
  IngressRoute,
  Verification,
} from "../../../shared/ingress/route.ts";
import type { Secret } from "../../../shared/secret.ts";

/** How a sender is checked, wherever that is done. */
export type CheckedVerification = Exclude<Verification, { scheme: "core" }>;
export type CheckedScheme = CheckedVerification["scheme"];

/** A conversation of a channel: where an answer or an alert goes. */
export interface Recipient {
  readonly channel: string;
  /** A conversation of that channel, as in its messages. */
  readonly to: string;
}

/** Schemes whose webhooks leave a way to answer their sender later. */
export type SenderScheme = "slack" | "discord";

/** Where an answer goes: a conversation, or back to the sender if its webhook has left a way. */
export type Delivery = Recipient | "sender";

/** Where senders are answered later. */
export interface SenderSettings {
  /** Of addresses that webhooks of Slack may ask us to answer to. */
  readonly slackOrigins: readonly string[];
  /** Without a slash at its end. */
  readonly discordApi: string;
}

/** Which session a call of `/hooks/agent` runs in. */
export interface SessionPolicy {
  /** Where the call names none; undefined: each call has one of its own. */
  readonly fallback: string | undefined;
  /** What a session that a call names must begin with; undefined: calls may not choose. Never empty. */
  readonly prefixes: readonly string[] | undefined;
}

/**
 * What becomes of a webhook.
 *
 * Templates are text with `{{path}}` in it, which is what stands there in the body; also
 * `{{headers.<name>}}`, `{{query.<name>}}` and `{{route}}`.
 */
export type Target =
  /** The body itself says what it wants, as OpenClaw's `/hooks/agent` and `/hooks/wake` do. */
  | { readonly kind: "hook"; readonly hook: "agent" | "wake"; readonly sessions: SessionPolicy }
  /** Runs a turn on it. */
  | {
      readonly kind: "agent";
      /** What the agent is told; undefined: the body as it is. */
      readonly template: string | undefined;
      /** What to call the sender. */
      readonly name: string | undefined;
      /** A template that begins with text of its own; undefined: a session of its own. */
      readonly sessionKey: string | undefined;
      /** Undefined: the answer stays in the session. `to` is a template. */
      readonly deliver: Delivery | undefined;
    }
  /** Tells the owner's main session. */
  | {
      readonly kind: "wake";
      readonly template: string | undefined;
      readonly deliver: Delivery | undefined;
    }
  /** As if the platform of that channel had called its own route. */
  | { readonly kind: "channel"; readonly channel: string }
  /** Posted on to a server of one's own. */
  | {
      readonly kind: "forward";
      readonly url: URL;
      /** Sent along, over those of the webhook: they may hold credentials. */
      readonly headers: ReadonlyMap<string, Secret>;
      readonly timeoutMs: number;
    };

/** Something that must be true of the webhook. */
export interface Condition {
  /** In the JSON body: `a.b`, `$.a.b[0]["c d"]`; empty: the body as a whole. Passed over with `header`. */
  readonly path: string;
  /** A header instead, in lower case. */
  readonly header: string | undefined;
  readonly equals: string | number | boolean | null | undefined;
  readonly oneOf: readonly (string | number | boolean | null)[] | undefined;
  readonly matches: RegExp | undefined;
  readonly exists: boolean | undefined;
  /** True: the condition holds when the rest of it does not. */
  readonly not: boolean;
}

export interface Case {
  /** All must hold; none: always. */
  readonly when: readonly Condition[];
  /**
   * A list at the top of the JSON body: the target is run once for each of its elements, which sees
   * a body whose list has nothing but itself in it. Undefined: once.
   */
  readonly forEach: string | undefined;
  readonly target: Target;
}

export interface IngressRouteSettings {
  /** The last part of `/hooks/<name>`. */
  readonly name: string;
  readonly scheme: CheckedScheme;
  /** `core`: the edge gets nothing to check it by. */
  readonly verifyAt: "edge" | "core";
  /** All that must not be seen anywhere. */
  readonly secrets: readonly Secret[];
  /** The settings of the scheme, with secrets revealed or digested: call it where they are used. */
  verification(): Promise<CheckedVerification>;
  readonly mode: IngressRoute["mode"];
  /** For `mode: "sync"`. */
  readonly sync:
    | { readonly deadlineMs: number; readonly fallback: FixedAnswer | undefined }
    | undefined;
  readonly methods: IngressRoute["methods"];
  /** Undefined: any. */
  readonly contentTypes: readonly string[] | undefined;
  /** Undefined: everybody. */
  readonly admission: Admission | undefined;
  /** Undefined: as many as come. */
  readonly rate: IngressRoute["rate"];
  readonly dedupe: IngressRoute["dedupe"];
  readonly laneHeader: string | undefined;
  readonly maxBodyBytes: number;
  /** The first whose conditions hold; when none does, nothing runs. Never empty. */
  readonly cases: readonly Case[];
}

/** When to tell somebody, and whom. */
export type AlertRule =
  | {
      readonly when: "source_silent";
      readonly route: string;
      readonly afterMs: number;
      readonly to: Recipient;
    }
  | {
      readonly when: "signature_failures";
      /** Undefined: all together. */
      readonly route: string | undefined;
      readonly count: number;
      readonly withinMs: number;
      readonly to: Recipient;
    }
  /** At the edge or here, something was given up. */
  | { readonly when: "dead_letters"; readonly to: Recipient }
  /** Sent by the edge: the core cannot. */
  | { readonly when: "core_unreachable"; readonly afterMs: number; readonly to: Recipient };

export interface IngressSettings {
  /** What webhooks are posted below, at our own port and at the edge: `/hooks`. */
  readonly path: string;
  /** In the order they were written; names are unique. Those of channels are not among them. */
  readonly routes: readonly IngressRouteSettings[];
  /** How long what came in is kept to be looked at and replayed. */
  readonly log: { readonly days: number; readonly maxBytes: number };
  readonly alerts: readonly AlertRule[];
  readonly senders: SenderSettings;
}

/** What a method of the gateway protocol is, and what it gets to know of its caller. */

/** Rights of an operator. `operator.admin` brings all others, `operator.write` brings `operator.read`. */
export const OPERATOR_SCOPES = [
  "operator.read",
  "operator.write",
  "operator.admin",
  "operator.approvals",
  "operator.pairing",
  "operator.questions",
] as const;
export type OperatorScope = (typeof OPERATOR_SCOPES)[number];

/** Scopes that another one brings with it; `operator.admin` brings all. */
const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  "operator.write": ["operator.read"],
};

/** Whether somebody with `scopes` may do what needs `needed`. */
export function covers(scopes: readonly string[], needed: OperatorScope): boolean {
  return scopes.some(
    (scope) =>
      scope === "operator.admin" || scope === needed || IMPLIED[scope]?.includes(needed) === true,
  );
}

/** A client that is through its handshake. */
export interface ClientInfo {
  /** Of the connection; the same after the core behind a client of the edge was changed. */
  readonly connection: string;
  readonly via: "edge" | "local";
  /** Address of the client itself. */
  readonly ip: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** What it calls itself: `cli`, `openclaw-control-ui` … */
  readonly clientId: string;
  readonly mode: string;
  readonly version: string;
  readonly platform: string;
  readonly displayName: string | undefined;
  readonly instanceId: string | undefined;
  readonly deviceFamily: string | undefined;
  /** Proven by its signature; undefined for one without a device identity. */
  readonly deviceId: string | undefined;
}

/** The call of one client. */
export interface CallContext {
  readonly client: ClientInfo;
  /** Unix ms when it was asked; the same for a call that was put off. */
  readonly askedAt: number;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
  /**
   * As `signal`, and aborts as well when the gateway is about to stop or to begin anew. Whoever only
   * waits for somebody's word looks at this one: no such wait may hold up the end.
   */
  readonly patience: AbortSignal;
  /**
   * Answers now, with the result of the method as a second answer to the same request: how the
   * protocol says that work was accepted before it is done.
   */
  accept(payload: unknown): void;
  /**
   * From now on this client gets the events of `topic`. It is kept across cores, so keep it short.
   *
   * @throws GatewayError invalid_request for more than one client may follow.
   */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}

/**
 * One method of the protocol.
 *
 * When a core dies with a request of a client at the edge under way, the core after it is handed
 * the same request and answers it. So a method may be called twice for one request: it does its
 * work once all the same, or by a key that its caller sends along.
 */
export interface Method {
  /** Or one that depends on what is asked for. `any`: everybody who is through the handshake. */
  readonly scope: OperatorScope | "any" | ((params: unknown) => OperatorScope);
  /**
   * @param params - Unchecked: parse first. `{}` when there are none.
   * @throws GatewayError, ZodError for params that do not fit, MethodError.
   */
  call(params: unknown, context: CallContext): unknown;
}

export type NamedMethod = readonly [string, Method];
export type Methods = ReadonlyMap<string, Method>;

/** A refusal with facts for programs, where those of a GatewayError are not enough. */
export class MethodError extends Error {
  override readonly name = "MethodError";
  readonly code:
    | "INVALID_REQUEST"
    | "NOT_PAIRED"
    | "FORBIDDEN"
    | "UNAVAILABLE"
    | "APPROVAL_NOT_FOUND";
  readonly details: Readonly<Record<string, unknown>>;

  /** @param message - Fit for the client. */
  constructor(
    code: MethodError["code"],
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/**
 * Thrown by a method that cannot be done before the gateway has begun anew, or has settled not to:
 * then the same call is made again, of whoever leads by then. Where nobody comes after, the caller
 * gets what `otherwise` says.
 */
export class PutOff extends Error {
  override readonly name = "PutOff";
  readonly otherwise: () => unknown;

  /** @param otherwise - The result of the method; or it throws. */
  constructor(otherwise: () => unknown) {
    super("put off until the gateway has begun anew");
    this.otherwise = otherwise;
  }
}

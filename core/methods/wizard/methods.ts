/** `wizard.*`: setting up a gateway from wherever somebody has a user interface. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { type CallContext, type NamedMethod, MethodError } from "../method.ts";
import { patiently } from "../patiently.ts";
import { type Ask, WizardSession, type WizardView } from "./session.ts";
import { setUp, setUpChannel, type SetupParts } from "./setup.ts";

const Start = z.strictObject({
  mode: z.enum(["local", "remote"]).default("local"),
  workspace: z.string().max(4_096).optional(),
  installDaemon: z.boolean().optional(),
  flow: z.enum(["setup", "channels"]).default("setup"),
  channel: z.string().min(1).max(64).optional(),
});
const Session = z.strictObject({ sessionId: z.string().min(1).max(64) });
const Next = Session.extend({
  answer: z
    .strictObject({ stepId: z.string().min(1).max(64), value: z.unknown().optional() })
    .optional(),
});

/** Somebody who has gone away in the middle must not keep others out. */
const IDLE_MS = 15 * 60_000;
/** Ended ones are told of for a while. */
const MAX_SESSIONS = 16;

export interface WizardParts {
  readonly setup: SetupParts;
  readonly now: () => number;
}

interface Kept {
  readonly session: WizardSession;
  usedAt: number;
}

export function wizardMethods({ setup, now }: WizardParts): readonly NamedMethod[] {
  const sessions = new Map<string, Kept>();

  function find(sessionId: string): WizardSession {
    const kept = sessions.get(sessionId);
    if (kept === undefined) {
      const details = { code: "WIZARD_NOT_FOUND" };
      throw new MethodError("INVALID_REQUEST", "wizard not found", details);
    }
    kept.usedAt = now();
    return kept.session;
  }

  /** One at a time: two that write would each undo what the other was told. */
  function makeRoom(): void {
    for (const [id, { session, usedAt }] of sessions) {
      const isRunning = session.status.status === "running";
      if (isRunning && now() - usedAt < IDLE_MS) {
        throw new GatewayError("overloaded", "a wizard is running already", {
          retryAfterMs: IDLE_MS,
        });
      }
      session.cancel();
      if (sessions.size >= MAX_SESSIONS) sessions.delete(id);
    }
  }

  async function start(params: unknown, context: CallContext): Promise<object> {
    const { mode, flow, channel } = Start.parse(params);
    if (mode === "remote") {
      throw new GatewayError("invalid_request", "a gateway sets up itself: mode must be local");
    }
    if (channel !== undefined && channel !== "telegram") {
      throw new GatewayError("invalid_request", `${channel} is not available in this version`);
    }
    makeRoom();
    const run = flow === "channels" ? setUpChannel : setUp;
    const session = new WizardSession((ask: Ask, signal) => run(ask, setup, signal));
    const sessionId = randomUUID();
    sessions.set(sessionId, { session, usedAt: now() });
    return { sessionId, ...(await patiently(session.view(), context)) };
  }

  async function next(params: unknown, context: CallContext): Promise<WizardView> {
    const { sessionId, answer } = Next.parse(params);
    const session = find(sessionId);
    if (answer !== undefined) session.answer(answer.stepId, answer.value);
    return patiently(session.view(), context);
  }

  return [
    ["wizard.start", { scope: "operator.admin", call: start }],
    ["wizard.next", { scope: "operator.admin", call: next }],
    [
      "wizard.cancel",
      {
        scope: "operator.admin",
        call(params) {
          const session = find(Session.parse(params).sessionId);
          session.cancel();
          return session.status;
        },
      },
    ],
    [
      "wizard.status",
      {
        scope: "operator.admin",
        call: (params) => find(Session.parse(params).sessionId).status,
      },
    ],
  ];
}

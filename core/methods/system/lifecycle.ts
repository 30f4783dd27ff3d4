import * as z from "zod";
import { hash } from "node:crypto";
import type { NamedMethod } from "../method.ts";
import type { Suspension } from "./suspension.ts";

/** For the answer to leave before its connection is closed. */
const ANSWER_FIRST_MS = 50;
const MAX_DELAY_MS = 600_000;

const Nothing = z.strictObject({});
const Restart = z.strictObject({
  reason: z.string().max(200).optional(),
  delayMs: z.int().min(0).max(MAX_DELAY_MS).default(0),
  /** True: at once; otherwise what is under way ends first, up to a limit. */
  skipDeferral: z.boolean().default(false),
  safe: z.boolean().optional(),
});
const Prepare = z.strictObject({
  requestId: z.string().min(1).max(128),
  terminalPolicy: z.enum(["preserve", "terminate"]).optional(),
  drain: z.boolean().default(false),
});
const Which = z.strictObject({ suspensionId: z.string().min(1).max(128) });

export interface LifecycleParts {
  /** Begins anew, within the process, `delayMs` from now. Never rejects, also when that failed. */
  readonly restart: (reason: string, delayMs: number) => Promise<void>;
  readonly suspension: Suspension;
  /** Of this installation: 32 bytes in base64url. */
  readonly publicKey: () => Promise<string>;
}

/** How the gateway is restarted and put to sleep, and who it is. */
export function lifecycleMethods(parts: LifecycleParts): readonly NamedMethod[] {
  const { suspension, restart } = parts;
  const admin = "operator.admin";
  let pending = false;
  async function begin(reason: string, delayMs: number): Promise<void> {
    pending = true;
    await restart(reason, delayMs);
    // One that failed left us where we were: it may be tried again.
    pending = false;
  }
  return [
    [
      "gateway.identity.get",
      {
        scope: "operator.read",
        async call(params) {
          Nothing.parse(params);
          const publicKey = await parts.publicKey();
          return {
            deviceId: hash("sha256", Buffer.from(publicKey, "base64url"), "hex"),
            publicKey,
          };
        },
      },
    ],
    [
      "gateway.restart.preflight",
      {
        scope: admin,
        call(params) {
          Nothing.parse(params);
          return preflight(suspension);
        },
      },
    ],
    [
      "gateway.restart.request",
      {
        scope: admin,
        call(params) {
          const { reason = "gateway.restart.request", delayMs } = Restart.parse(params);
          const looked = preflight(suspension);
          const status = pending ? "coalesced" : looked.safe ? "scheduled" : "deferred";
          if (!pending) void begin(reason, Math.max(delayMs, ANSWER_FIRST_MS));
          return { ok: true, status, preflight: looked, restart: { reason, delayMs } };
        },
      },
    ],
    [
      "gateway.suspend.prepare",
      {
        scope: admin,
        call(params) {
          const { requestId, drain } = Prepare.parse(params);
          return suspension.prepare(requestId, drain);
        },
      },
    ],
    [
      "gateway.suspend.status",
      { scope: admin, call: (params) => suspension.status(Which.parse(params).suspensionId) },
    ],
    [
      "gateway.suspend.resume",
      { scope: admin, call: (params) => suspension.resume(Which.parse(params).suspensionId) },
    ],
    [
      "gateway.suspend.handoff",
      // The state is on disk at every moment: whoever takes over needs nothing else from us.
      { scope: admin, call: (params) => suspension.status(Which.parse(params).suspensionId) },
    ],
  ];
}

function preflight(suspension: Suspension) {
  const blockers = suspension.blockers();
  const runs = blockers.reduce((sum, { count }) => sum + count, 0);
  const counts = {
    queueSize: 0,
    pendingReplies: 0,
    embeddedRuns: runs,
    cronRuns: 0,
    backgroundExecSessions: 0,
    rootRequests: 0,
    activeTasks: 0,
    totalActive: runs,
  };
  const summary =
    runs === 0
      ? "safe to restart now"
      : `restart deferred: ${blockers.map(({ message }) => message).join("; ")}`;
  return { safe: runs === 0, counts, blockers, summary };
}

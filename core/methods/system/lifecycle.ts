import * as z from "zod";
import { hash } from "node:crypto";
import { MethodError, type NamedMethod } from "../method.ts";
import { describeRestart, type RestartFacts } from "./restart.ts";
import type { Blocker, Suspension } from "./suspension.ts";

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
const Id = z.string().trim().min(1).max(128);
const Prepare = z.strictObject({
  requestId: Id,
  terminalPolicy: z.enum(["preserve", "terminate"]).optional(),
  drain: z.boolean().default(false),
});
const Which = z.strictObject({ suspensionId: Id });
const HandOff = z.strictObject({
  suspensionId: Id,
  /** The process that is about to end, as `system.info` tells it; left out: whichever answers. */
  target: z.strictObject({ pid: z.int().min(1), processInstanceId: Id }).optional(),
});

export interface LifecycleParts {
  /** Has the gateway begin anew, within the process. */
  readonly restart: (order: {
    readonly reason: string;
    readonly delayMs: number;
    readonly forced: boolean;
  }) => void;
  /** The restart that is to come; undefined: there is none. */
  readonly pendingRestart: () => RestartFacts | undefined;
  readonly suspension: Suspension;
  /** Of this installation: 32 bytes in base64url. */
  readonly publicKey: () => Promise<string>;
  /** Names this process. */
  readonly instanceId: string;
}

/** How the gateway is restarted and put to sleep, and who it is. */
export function lifecycleMethods(parts: LifecycleParts): readonly NamedMethod[] {
  const { suspension, restart, pendingRestart } = parts;
  const admin = "operator.admin";
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
          return { ...preflight(suspension.blockers()), ...describeRestart(pendingRestart()) };
        },
      },
    ],
    [
      "gateway.restart.request",
      {
        scope: admin,
        call(params) {
          const asked = Restart.parse(params);
          const { reason = "gateway.restart.request", delayMs, skipDeferral: forced } = asked;
          const looked = preflight(suspension.blockers());
          const isPending = pendingRestart() !== undefined;
          const isNow = looked.safe || forced;
          const status = isPending ? "coalesced" : isNow ? "scheduled" : "deferred";
          restart({ reason, delayMs: Math.max(delayMs, ANSWER_FIRST_MS), forced });
          const { pendingRestart: pending } = describeRestart(pendingRestart());
          return { ok: true, status, preflight: looked, restart: { reason, delayMs, ...pending } };
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
      {
        scope: admin,
        call(params) {
          const { suspensionId, target } = HandOff.parse(params);
          const { pid, processInstanceId } = target ?? {};
          const isUs = pid === process.pid && processInstanceId === parts.instanceId;
          if (target !== undefined && !isUs) {
            throw new MethodError("UNAVAILABLE", "gateway process changed after preflight");
          }
          return suspension.handOff(suspensionId);
        },
      },
    ],
  ];
}

function preflight(blockers: readonly Blocker[]) {
  const countOf = (which: Blocker["kind"]): number =>
    blockers.reduce((sum, { kind, count }) => (kind === which ? sum + count : sum), 0);
  const counts = {
    queueSize: 0,
    pendingReplies: 0,
    embeddedRuns: countOf("chat-run"),
    cronRuns: countOf("cron-run"),
    backgroundExecSessions: 0,
    rootRequests: countOf("root-request"),
    activeTasks: 0,
  };
  const totalActive = blockers.reduce((sum, { count }) => sum + count, 0);
  const summary =
    totalActive === 0
      ? "safe to restart now"
      : `restart deferred: ${blockers.map(({ message }) => message).join("; ")}`;
  return { safe: totalActive === 0, counts: { ...counts, totalActive }, blockers, summary };
}

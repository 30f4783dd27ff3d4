import { randomUUID } from "node:crypto";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Store } from "../../store/store.ts";
import type { EventHub } from "../events.ts";
import { type CallContext, type Method, MethodError, type NamedMethod } from "../method.ts";
import { patiently } from "../patiently.ts";
import {
  ApprovalsFile,
  EMPTY_FILE,
  hashOf,
  merged,
  resolvedDefaults,
  withoutCredential,
} from "./file.ts";
import { type Approval, ApprovalRegistry, DECISIONS, type Verdict } from "./registry.ts";

export interface ApprovalParts {
  readonly store: Pick<Store, "get" | "set">;
  readonly hub: EventHub;
  readonly stateDir: string;
  readonly now: () => number;
}

/** Where the file is kept. */
const FACT = "exec-approvals";
/** How long a command waits unless it says otherwise, and at most. */
const DEFAULT_TIMEOUT_MS = 1_800_000;
const MAX_TIMEOUT_MS = 24 * 3_600_000;

const None = z.strictObject({});
const SetParams = z.strictObject({ file: ApprovalsFile, baseHash: z.string().min(1).optional() });
const Id = z.string().min(1).max(256);
const ById = z.strictObject({ id: Id });
const Resolve = z.strictObject({
  id: Id,
  decision: z.string().min(1),
  reviewer: z.strictObject({ channel: Id, accountId: Id, senderId: Id }).optional(),
  grantExpiresInDays: z.int().min(1).max(3_650).optional(),
});
const Fact = z.string().max(4_096).nullish();
/** Open where facts for reviewers come in: newer clients say more. */
const Request = z.looseObject({
  id: Id.optional(),
  command: z.string().min(1).max(65_536).optional(),
  commandArgv: z.array(z.string().max(65_536)).max(1_024).optional(),
  cwd: Fact,
  nodeId: Fact,
  host: Fact,
  security: Fact,
  ask: Fact,
  warningText: Fact,
  agentId: Fact,
  resolvedPath: Fact,
  sessionKey: Fact,
  timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).optional(),
  twoPhase: z.boolean().optional(),
});

/** Methods about commands that may not be run before somebody allows them. */
export function approvalMethods(parts: ApprovalParts): readonly NamedMethod[] {
  const { hub, now } = parts;
  const to = { scope: "operator.approvals" } as const;
  const registry = new ApprovalRegistry({
    now,
    onRequested: (approval) => hub.publish("exec.approval.requested", viewOf(approval), to),
    onResolved: ({ approval: { id, request }, decision, resolvedBy }, ts) =>
      hub.publish("exec.approval.resolved", { id, decision, resolvedBy, ts, request }, to),
  });
  const files = fileMethods(parts);
  return [
    ...files,
    reviews("exec.approval.list", (params) => {
      None.parse(params);
      return registry.pending.map(viewOf);
    }),
    reviews("exec.approval.get", (params) => detailOf(pendingOf(registry, ById.parse(params).id))),
    reviews("exec.approval.request", (params, context) =>
      decisionOn(registry, Request.parse(params), now(), context),
    ),
    reviews("exec.approval.waitDecision", async (params, context) => {
      const { id } = z.looseObject({ id: Id }).parse(params);
      const verdict = await patiently(registry.verdictOf(id), context);
      if (verdict === undefined) throw notFound("approval expired or not found");
      return outcomeOf(verdict);
    }),
    reviews("exec.approval.resolve", (params, { client }) => {
      const { id, decision: given } = Resolve.parse(params);
      const approval = pendingOf(registry, id);
      const decision = DECISIONS.find((one) => one === given);
      if (decision === undefined) throw new GatewayError("invalid_request", "invalid decision");
      if (!approval.allowedDecisions.includes(decision)) {
        throw new MethodError("INVALID_REQUEST", "allow-always is unavailable for this command", {
          reason: "APPROVAL_ALLOW_ALWAYS_UNAVAILABLE",
        });
      }
      registry.resolve(id, decision, client.displayName ?? client.clientId);
      return { ok: true };
    }),
  ];
}

function reviews(name: string, call: Method["call"]): NamedMethod {
  return [name, { scope: "operator.approvals", call }];
}

async function decisionOn(
  registry: ApprovalRegistry,
  params: z.output<typeof Request>,
  now: number,
  context: CallContext,
): Promise<object> {
  const {
    id = randomUUID(),
    timeoutMs = DEFAULT_TIMEOUT_MS,
    twoPhase,
    commandArgv,
    ...facts
  } = params;
  const command = facts.command ?? commandArgv?.join(" ") ?? "";
  if (command.trim() === "") throw new GatewayError("invalid_request", "command is required");
  const { cwd, nodeId, host, security, ask, warningText, agentId, resolvedPath, sessionKey } =
    facts;
  const named = {
    cwd,
    nodeId,
    host,
    security,
    ask,
    warningText,
    agentId,
    resolvedPath,
    sessionKey,
  };
  const nulls = Object.entries(named).map(([name, value]) => [name, value ?? null] as const);
  const approval = registry.request({
    id,
    request: { command, commandArgv, ...Object.fromEntries(nulls) },
    // A command that is to be asked about each time cannot be allowed for good.
    allowedDecisions: ask === "always" ? ["allow-once", "deny"] : DECISIONS,
    createdAtMs: now,
    expiresAtMs: now + timeoutMs,
  });
  const { createdAtMs, expiresAtMs } = approval;
  if (twoPhase === true) context.accept({ status: "accepted", id, createdAtMs, expiresAtMs });
  const verdict = await patiently(registry.verdictOf(approval.id), context);
  if (verdict === undefined) throw notFound("approval expired or not found");
  return outcomeOf(verdict);
}

function fileMethods({ store, stateDir }: ApprovalParts): readonly NamedMethod[] {
  const read = async (): Promise<ApprovalsFile | undefined> => {
    const text = await store.get(FACT);
    return text === undefined ? undefined : ApprovalsFile.parse(JSON.parse(text));
  };
  const snapshot = (kept: ApprovalsFile | undefined): object => {
    const file = withoutCredential(kept ?? EMPTY_FILE);
    const path = `${stateDir}/sallyport.sqlite#exec_approvals`;
    const exists = kept !== undefined;
    return { path, exists, file, hash: hashOf(file), resolvedDefaults: resolvedDefaults(file) };
  };
  /** Reading, comparing and writing are three steps: two at once would both see the same base. */
  let last: Promise<unknown> = Promise.resolve();
  return [
    [
      "exec.approvals.get",
      {
        scope: "operator.admin",
        async call(params) {
          None.parse(params);
          return snapshot(await read());
        },
      },
    ],
    [
      "exec.approvals.set",
      {
        scope: "operator.admin",
        call(params) {
          const { file, baseHash } = SetParams.parse(params);
          const set = last.then(async () => {
            const next = merged(await read(), file, baseHash);
            if (!next.ok) throw new MethodError("INVALID_REQUEST", next.error);
            await store.set(FACT, JSON.stringify(next.value));
            return snapshot(next.value);
          });
          last = set.catch(() => undefined); // its caller hears of it; the next one goes on
          return set;
        },
      },
    ],
  ];
}

function pendingOf(registry: ApprovalRegistry, id: string): Approval {
  const approval = registry.find(id);
  if (approval === undefined) throw notFound("unknown or expired approval id");
  return approval;
}

function viewOf({
  id,
  request: subject,
  createdAtMs,
  expiresAtMs,
  allowedDecisions,
}: Approval): object {
  return { id, request: { ...subject, allowedDecisions }, createdAtMs, expiresAtMs };
}

function detailOf({ id, request: subject, allowedDecisions, expiresAtMs }: Approval): object {
  const { command, host = null, nodeId = null, agentId = null } = subject;
  const named = { commandText: command, commandPreview: null, host, nodeId, agentId };
  return { id, ...named, allowedDecisions, expiresAtMs };
}

function outcomeOf({ approval: { id, createdAtMs, expiresAtMs }, decision }: Verdict): object {
  return { id, decision, createdAtMs, expiresAtMs };
}

function notFound(message: string): MethodError {
  return new MethodError("APPROVAL_NOT_FOUND", message, { reason: "APPROVAL_NOT_FOUND" });
}

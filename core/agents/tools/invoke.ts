/** Tools called by a program instead of a model. */
import { GatewayError } from "../../../shared/errors.ts";
import { agentIdOf } from "../../store/session-key.ts";
import type { AgentDirectory } from "../directory.ts";
import { AGENT_LIMITS } from "../loop.ts";
import { runTool } from "../run-tool.ts";
import type { Tool } from "../tool.ts";
import { isNamed, type ToolRule } from "../tool-policy.ts";

/** Tools that reach beyond a conversation: never over HTTP or RPC unless the owner opens them by name. */
const HARD_DENIED: ReadonlySet<string> = new Set([
  "exec",
  "spawn",
  "shell",
  "fs_write",
  "fs_delete",
  "fs_move",
  "apply_patch",
  "sessions_spawn",
  "sessions_send",
  "cron",
  "gateway",
  "nodes",
]);

/** How long a call is remembered by its key: longer than a client tries again. */
const REMEMBER_MS = 10 * 60_000;
/** Results are at most 64 KiB each. */
const MAX_REMEMBERED = 200;

export interface ToolOrder {
  readonly name: string;
  /** For tools that do several things. */
  readonly action?: string | undefined;
  readonly args?: Readonly<Record<string, unknown>> | undefined;
  readonly sessionKey?: string | undefined;
  readonly agentId?: string | undefined;
  /** The same one of the same caller again gives the same result; nothing is done twice. */
  readonly idempotencyKey?: string | undefined;
  /** Who calls: keys are each caller's own. Absent: an operator. */
  readonly caller?: string | undefined;
  /** True: with all the rights that the gateway's owner has. */
  readonly asOwner?: boolean | undefined;
}

export interface Invoked {
  /** False: it did not run to its end; `text` says why. */
  readonly ok: boolean;
  readonly text: string;
  readonly agentId: string;
  /** What it threw: for the log only. Undefined for input that is none. */
  readonly cause: unknown;
}

export interface InvokerParts {
  readonly directory: Pick<AgentDirectory, "defaultId" | "find" | "toolsFor">;
  /** What the owner closes besides, and opens of what is closed; as it is now. */
  readonly policy: () => ToolRule;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

interface Remembered {
  readonly at: number;
  readonly result: Promise<Invoked>;
}

export class ToolInvoker {
  readonly #parts: InvokerParts;
  /** The oldest first. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(parts: InvokerParts) {
    this.#parts = parts;
  }

  /**
   * @throws GatewayError not_found for a tool that the agent has not or that is closed here,
   *   invalid_request for an unknown agent, or one that the session is not of; canceled.
   */
  invoke(order: ToolOrder, signal: AbortSignal): Promise<Invoked> {
    const { idempotencyKey: key, caller = "", name } = order;
    if (key === undefined) return this.#run(order, signal);
    this.#forget();
    const id = JSON.stringify([caller, name, key]);
    const known = this.#remembered.get(id);
    if (known !== undefined) return known.result;
    const result = this.#run(order, signal);
    this.#remembered.set(id, { at: this.#parts.now(), result });
    // What was refused, or broken off, may be tried again.
    result.then(
      ({ ok }) => ok || this.#remembered.delete(id),
      () => this.#remembered.delete(id),
    );
    return result;
  }

  #forget(): void {
    const before = this.#parts.now() - REMEMBER_MS;
    for (const [id, { at }] of this.#remembered) {
      if (at >= before && this.#remembered.size < MAX_REMEMBERED) return;
      this.#remembered.delete(id);
    }
  }

  async #run(order: ToolOrder, signal: AbortSignal): Promise<Invoked> {
    const { directory } = this.#parts;
    const agentId = agentFor(order, directory);
    const { sessionKey, asOwner } = order;
    const tools = await directory.toolsFor(agentId, { sessionKey, asOwner });
    const tool = tools.find(({ spec }) => spec.name === order.name);
    if (tool === undefined || !this.#isOpen(order.name)) {
      throw new GatewayError("not_found", "Tool not available", { param: "name" });
    }
    const call = { id: "direct", name: order.name, input: JSON.stringify(argsOf(order, tool)) };
    const outcome = await runTool(call, [tool], signal, AGENT_LIMITS.maxToolOutputBytes);
    if (outcome === undefined) throw new GatewayError("canceled", "The call was canceled");
    return { ...outcome, agentId };
  }

  #isOpen(name: string): boolean {
    const { allow, deny } = this.#parts.policy();
    if (isNamed(name, deny)) return false;
    return !HARD_DENIED.has(name.toLowerCase()) || isNamed(name, allow ?? []);
  }
}

function agentFor(
  { agentId, sessionKey }: ToolOrder,
  directory: InvokerParts["directory"],
): string {
  const ofSession = sessionKey?.startsWith("agent:") ? agentIdOf(sessionKey) : undefined;
  if (agentId !== undefined && ofSession !== undefined && agentId !== ofSession) {
    throw new GatewayError("invalid_request", "The session belongs to another agent", {
      param: "agentId",
    });
  }
  const id = agentId ?? ofSession ?? directory.defaultId();
  if (directory.find(id) !== undefined) return id;
  throw new GatewayError("invalid_request", "Unknown agent", { param: "agentId" });
}

/** Arguments as the tool takes them: the action is one of them, where it knows any. */
function argsOf({ args = {}, action }: ToolOrder, { spec }: Tool): object {
  const { properties } = spec.parameters;
  const knows = typeof properties === "object" && properties !== null && "action" in properties;
  return action !== undefined && knows && !("action" in args) ? { ...args, action } : args;
}

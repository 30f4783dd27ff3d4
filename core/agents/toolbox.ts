/** All tools there are, and who has which of them. */
import type { AgentEntry } from "../config/agents.ts";
import { type AgentTool, boundTool, type Tool } from "./tool.ts";
import { isAllowed, isNamed } from "./tool-policy.ts";
import { isAttended, isForGuest, isForOwner, type Place, type TurnScope } from "./turn-scope.ts";

export class Toolbox {
  #all: readonly AgentTool[];
  #isOwners: (place: Place) => Promise<boolean> = () => Promise.resolve(false);

  constructor(tools: readonly AgentTool[]) {
    this.#all = tools;
  }

  get all(): readonly AgentTool[] {
    return this.#all;
  }

  add(tools: readonly AgentTool[]): void {
    const names = new Set(tools.map(({ spec }) => spec.name));
    this.#all = [...this.#all.filter(({ spec }) => !names.has(spec.name)), ...tools];
  }

  knowOwner(isOwners: (place: Place) => Promise<boolean>): void {
    this.#isOwners = isOwners;
  }

  /** Whether somebody else than the owner asks, as far as is known. */
  isForGuest(scope: TurnScope): Promise<boolean> {
    return isForGuest(scope, this.#isOwners);
  }

  /** Those an agent has in a turn, whichever of its models answers. */
  async usable(entry: AgentEntry, scope: TurnScope): Promise<readonly Tool[]> {
    const { toolsAllow, sessionKey } = scope;
    const allowed = this.#all.filter(
      ({ spec: { name } }) =>
        isAllowed(name, entry.toolPolicies) &&
        (toolsAllow === undefined || isNamed(name, toolsAllow)),
    );
    const isOwner = await isForOwner(scope, this.#isOwners);
    const usable = allowed.filter((tool) => isOwner || tool.for === "anyone");
    const tools = usable.map(({ spec }) => spec.name);
    const caller = { agentId: entry.id, sessionKey, isOwner, isAttended: isAttended(scope), tools };
    return usable.map((tool) => boundTool(tool, caller));
  }
}

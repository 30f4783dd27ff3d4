/** Whoever has a tool run, in tests. */
import type { AgentTool, ToolCaller } from "../../core/agents/tool.ts";

/** The owner, in a conversation with the agent. */
export const OWNER: ToolCaller = {
  agentId: "main",
  sessionKey: "agent:main:main",
  isOwner: true,
  isAttended: true,
  tools: ["current_time", "message", "cron"],
};

/** One of many people. */
export const GUEST: ToolCaller = {
  ...OWNER,
  sessionKey: "agent:main:telegram:group:-1",
  isOwner: false,
};

export function callerOf(tool: AgentTool) {
  return (input: unknown, who: ToolCaller = OWNER): Promise<string> =>
    tool.run(input, new AbortController().signal, who);
}

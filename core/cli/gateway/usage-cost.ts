import { GatewayError } from "../../../shared/errors.ts";
import { type Io, parseFlags } from "../command.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";
import { UsageCost, usageLines } from "../usage-text.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  days: { type: "string" },
  agent: { type: "string" },
  "all-agents": { type: "boolean" },
  json: { type: "boolean" },
} as const;

const DEFAULT_DAYS = "30";

/** Tokens and dollars of the last days. */
export async function gatewayUsageCost(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  if (positionals.length > 0) {
    throw new GatewayError("invalid_request", "gateway usage-cost takes flags alone; try --help");
  }
  const query = queryOf(values);
  const { askGateway } = await import("../client.ts");
  const answer = await askGateway(await targetOf(values, io), "usage.cost", query);
  if (values.json === true) io.out(JSON.stringify(answer));
  else for (const line of usageLines(UsageCost.parse(answer))) io.out(line);
  return 0;
}

/** @throws GatewayError invalid_request */
function queryOf({
  days = DEFAULT_DAYS,
  agent,
  "all-agents": all,
}: {
  readonly days?: string | undefined;
  readonly agent?: string | undefined;
  readonly "all-agents"?: boolean | undefined;
}): object {
  if (!/^[1-9]\d{0,4}$/.test(days)) {
    throw new GatewayError("invalid_request", "--days must be a whole number from 1 on");
  }
  if (agent !== undefined && all === true) {
    throw new GatewayError("invalid_request", "use --agent or --all-agents, not both");
  }
  return {
    days: Number(days),
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(all === true ? { agentScope: "all" } : {}),
  };
}

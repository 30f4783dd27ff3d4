import { GatewayError } from "../../shared/errors.ts";
import type { Command, Io, Page } from "./command.ts";

type Run = (args: readonly string[], io: Io) => Promise<number>;

const TARGET = "[--url URL] [--token T] [--password P] [--port N] [--timeout MS] [--json]";

interface Action extends Page {
  load(): Promise<Run>;
}

/** Each is loaded when it is asked for. */
const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  [
    "run",
    {
      usage:
        "gateway [run] [--port N] [--bind loopback|lan|tailnet|auto|custom] [--auth MODE] [--token T] " +
        "[--password P | --password-file FILE] [--standby] [--force] [--verbose] [--json] [--ready-fd N]",
      summary:
        "Run the gateway until it is told to stop; with --standby, once no other one leads; with " +
        "--force, in place of the one that has this state",
      load: async () => (await import("./gateway/run.ts")).runGateway,
    },
  ],
  [
    "status",
    {
      usage: `gateway status [--deep] [--no-probe] [--require-rpc] ${TARGET}`,
      summary: "Tell whether a gateway runs, where, and how; exits 0 unless --require-rpc",
      load: async () => (await import("./gateway/status.ts")).gatewayStatus,
    },
  ],
  [
    "call",
    {
      usage: `gateway call <method> [--params JSON] [--expect-final] ${TARGET}`,
      summary: "Call a method of a running gateway and print what it answers",
      load: async () => (await import("./gateway/call.ts")).gatewayCall,
    },
  ],
  [
    "probe",
    {
      usage: `gateway probe ${TARGET}`,
      summary: "Look what a gateway lets us do; exits 1 when none answers",
      load: async () => (await import("./gateway/probe.ts")).gatewayProbe,
    },
  ],
  [
    "health",
    {
      usage: `gateway health ${TARGET}`,
      summary: "As the command health",
      load: async () => {
        const { health } = await import("./health.ts");
        return (args, io) => health.run(args, io);
      },
    },
  ],
  [
    "usage-cost",
    {
      usage: `gateway usage-cost [--days N] [--agent ID | --all-agents] ${TARGET}`,
      summary: "Show what models have taken, in tokens and dollars; 30 days unless --days says so",
      load: async () => (await import("./gateway/usage-cost.ts")).gatewayUsageCost,
    },
  ],
  [
    "restart",
    {
      usage: `gateway restart [--reason TEXT] [--force] ${TARGET}`,
      summary: "Restart a running gateway within its process, with its config as it is now",
      load: async () => (await import("./gateway/end.ts")).gatewayRestart,
    },
  ],
  [
    "stop",
    {
      usage: "gateway stop [--json]",
      summary: "End the gateway of this machine, once it has finished what it does",
      load: async () => (await import("./gateway/end.ts")).gatewayStop,
    },
  ],
]);

export const gateway: Command = {
  usage: "gateway run|status|restart|stop|call|probe|health|usage-cost",
  summary: "Run the gateway, and look after one that runs; --help after each word tells more",
  actions: ACTIONS,

  async run(args, io) {
    const [first = "run", ...rest] = args;
    // Flags alone: run.
    const isWord = !first.startsWith("-");
    const action = ACTIONS.get(isWord ? first : "run");
    if (action === undefined) {
      const known = [...ACTIONS.keys()].join(", ");
      throw new GatewayError("invalid_request", `gateway knows only: ${known}`);
    }
    const run = await action.load();
    return run(isWord ? rest : args, io);
  },
};

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
    "install",
    {
      usage:
        "gateway install [--port N] [--runtime-path NODE] [--linger] [--system [--run-as USER]] " +
        "[--dry-run | --print] [--force] [--json]",
      summary: "Install the gateway as a service of systemd or launchd, and start it",
      details: `It is written, started and waited for; when the gateway does not come up, everything is as it was before.
--linger        it goes on when you log out, and starts with the machine (loginctl enable-linger)
--system        a system unit with every wall there is, run as --run-as USER (sallyport), with its state in
                /var/lib/sallyport unless OPENCLAW_STATE_DIR says otherwise; needs root
--runtime-path  the Node that runs it; one that a version manager keeps is taken with --force alone
--dry-run       shows what would change; --print the whole unit
--force         also in place of a unit that is not ours or was edited, and of a gateway that runs by itself

OPENCLAW_* variables that say where things are go into the unit. Nothing secret does: the gateway reads .env of its
state folder, and the service service.env beside it (0600).`,
      load: async () => (await import("./gateway/service/install.ts")).gatewayInstall,
    },
  ],
  [
    "uninstall",
    {
      usage: "gateway uninstall [--system] [--force] [--json]",
      summary: "End the service and take it away; config and state stay",
      load: async () => (await import("./gateway/service/install.ts")).gatewayUninstall,
    },
  ],
  [
    "start",
    {
      usage: "gateway start [--json]",
      summary: "Start the installed service, and wait until it is well",
      load: async () => (await import("./gateway/service/control.ts")).gatewayStart,
    },
  ],
  [
    "status",
    {
      usage: `gateway status [--deep] [--no-probe] [--require-rpc] ${TARGET}`,
      summary:
        "Tell whether a gateway runs, where, how, and as which service; exits 0 unless --require-rpc",
      load: async () => (await import("./gateway/status.ts")).gatewayStatus,
    },
  ],
  [
    "call",
    {
      usage: `gateway call <method> [--params JSON] [--expect-final] [--expect-url URL] ${TARGET}`,
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
      usage: `gateway restart [--safe] [--reason TEXT] [--force] ${TARGET}`,
      summary:
        "Restart the installed service; without one, with --safe or with a target, the gateway within " +
        "its process, with its config as it is now",
      load: async () => (await import("./gateway/end.ts")).gatewayRestart,
    },
  ],
  [
    "suspend",
    {
      usage: `gateway suspend [--drain] [--wait MS] [--request-id ID] ${TARGET}`,
      summary:
        "Have a gateway take no new work, so that its machine can sleep, move or be updated; " +
        "exits 1 while work is under way",
      details: `It lasts ten minutes, or until gateway resume; a gateway that is started meanwhile is suspended as well. Asked
for again, it lasts as long anew. Probes are answered as ever; webhooks wait at the edge.
--drain          also while work is under way: nothing new is begun, and what goes on is waited for
--wait MS        for that long: 300000 unless it says so. What goes on then goes on, and so does the suspension
--request-id ID  whose suspension it is, for a program that must not end another one's`,
      load: async () => (await import("./gateway/suspend.ts")).gatewaySuspend,
    },
  ],
  [
    "resume",
    {
      usage: `gateway resume [SUSPENSION_ID] [--request-id ID] ${TARGET}`,
      summary: "Have a suspended gateway take work again; one that does takes it anyway",
      load: async () => (await import("./gateway/suspend.ts")).gatewayResume,
    },
  ],
  [
    "stop",
    {
      usage: "gateway stop [--json]",
      summary:
        "End the gateway of this machine, or the service that it is, once it has finished what it does",
      load: async () => (await import("./gateway/end.ts")).gatewayStop,
    },
  ],
]);

export const gateway: Command = {
  usage:
    "gateway run|install|uninstall|start|stop|restart|status|suspend|resume|call|probe|health|usage-cost",
  summary: "Run the gateway, and look after one that runs; --help after each word tells more",
  actions: ACTIONS,
  unnamed: "run",

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

const SERVICE_WORDS = ["status", "install", "uninstall", "start", "stop", "restart"] as const;

/** The words of a service alone: the same under another name. */
export const daemon: Command = {
  usage: `daemon ${SERVICE_WORDS.join("|")}`,
  summary: "As gateway with the same word",
  actions: new Map(
    SERVICE_WORDS.flatMap((word) => {
      const page = ACTIONS.get(word);
      return page === undefined ? [] : [[word, page] as const];
    }),
  ),

  async run([word = "", ...args], io) {
    const action = SERVICE_WORDS.some((one) => one === word) ? ACTIONS.get(word) : undefined;
    if (action !== undefined) return (await action.load())(args, io);
    throw new GatewayError("invalid_request", `daemon knows only: ${SERVICE_WORDS.join(", ")}`);
  },
};

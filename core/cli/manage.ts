/** Commands about agents, models, channels and skills: through the gateway while one runs. */
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { systemClock } from "../channels/clock.ts";
import type { Settings } from "../config/settings.ts";
import type { ConfigFile } from "../methods/agents/parts.ts";
import { type Io, settingsOf } from "./command.ts";
import { nobodyAt } from "./nobody.ts";
import { isOfThisMachine, type Target, targetOf } from "./target.ts";

/** What a gateway says of the settings it runs with; one of an earlier version says nothing. */
const Applied = z.object({ appliedConfigHash: z.string().optional() });
/** A gateway waits for the editor to be done, and reads: half a second. */
const EFFECT_PATIENCE_MS = 3_000;
const POLL_MS = 50;

type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Where a command is carried out. */
export interface Desk {
  /** False: no gateway runs, and this process answers from the files. */
  readonly isLive: boolean;
  /** @throws GatewayError */
  call(method: string, params: object): Promise<unknown>;
}

/**
 * The gateway that is meant; where none runs on this machine, the same methods over its files.
 *
 * @throws GatewayError core_offline when another one is meant and it does not answer.
 */
export async function deskOf(flags: Flags, io: Io): Promise<Desk> {
  const target = await targetOf(onlySingle(flags), io);
  if (await listens(target)) {
    const { callGateway } = await import("./client.ts");
    return {
      isLive: true,
      async call(method, params) {
        const answer = await callGateway(target, method, params);
        if (answer === undefined) throw nobodyAt(target);
        return answer.payload;
      },
    };
  }
  if (!isOfThisMachine(target)) throw nobodyAt(target);
  return localDesk(io);
}

/** For commands that need a gateway that runs. @throws GatewayError core_offline */
export async function liveDeskOf(flags: Flags, io: Io): Promise<Desk> {
  const desk = await deskOf(flags, io);
  if (desk.isLive) return desk;
  throw nobodyAt(await targetOf(onlySingle(flags), io));
}

/** A gateway of another machine is asked; on this one a look at the port is cheaper than a wrong guess. */
async function listens(target: Target): Promise<boolean> {
  if (!isOfThisMachine(target)) return true;
  const { isListening } = await import("./listening.ts");
  return isListening(target.url, target.timeoutMs);
}

/** The config of this machine, as it is now, and what changes it. */
export interface LocalConfig {
  readonly settings: () => Settings;
  readonly file: ConfigFile;
}

/** @throws ConfigFault */
export async function localConfig(io: Io): Promise<LocalConfig> {
  const { configFileOf } = await import("../gateway/lifecycle/config-file.ts");
  let now = await settingsOf(io);
  const settings = (): Settings => now;
  const reload = async (hash: string): Promise<void> => {
    now = await settingsOf(io);
    if (now.config.gateway.reload.mode !== "off") await awaitGateway(hash, io);
  };
  return { settings, file: configFileOf(settings, reload) };
}

/** So that the next command finds what this one did. The file is written, whatever becomes of it. */
async function awaitGateway(hash: string, io: Io): Promise<void> {
  try {
    const target = await targetOf({}, io);
    if (!isOfThisMachine(target) || !(await listens(target))) return;
    const { openGateway } = await import("./client.ts");
    using line = await openGateway(target);
    if (line === undefined) return;
    const until = Date.now() + EFFECT_PATIENCE_MS;
    while (Date.now() < until && !io.stop.aborted) {
      const { appliedConfigHash } = Applied.parse(await line.call("config.get", {}));
      if (appliedConfigHash === undefined || appliedConfigHash === hash) return;
      await systemClock.wait(POLL_MS, io.stop);
    }
  } catch (error) {
    if (!(error instanceof GatewayError || error instanceof z.ZodError)) throw error;
  }
}

/** The same methods as a gateway has, over the files of this machine. @throws ConfigFault */
export async function localDesk(io: Io): Promise<Desk> {
  const [management, lazy, directories, tools, models, line] = await Promise.all([
    import("../gateway/methods/management.ts"),
    import("../methods/agents/all.ts"),
    import("../agents/directory.ts"),
    import("../agents/tools/registry.ts"),
    import("../models/registry.ts"),
    import("../methods/command-line.ts"),
  ]);
  const { settings, file } = await localConfig(io);
  const directory = directories.createDirectory({
    settings,
    createModel: models.createConfiguredModel,
    tools: tools.createTools(Date.now),
  });
  const parts = management.managementParts({
    settings,
    directory,
    control: NOTHING_RUNS,
    configFile: file,
    usage: {
      report: () => Promise.reject(notRunning()),
      oldestAt: () => Promise.reject(notRunning()),
    },
    now: Date.now,
  });
  const methods = new Map(lazy.allManagementMethods(parts));
  const context = line.commandLineContext(io.stop);
  return {
    isLive: false,
    async call(method, params) {
      return methods.get(method)?.call(params, context);
    },
  };
}

const NOTHING_RUNS = {
  stateOf: () => ({
    running: false,
    startedAt: undefined,
    stoppedAt: undefined,
    receivedAt: undefined,
    error: undefined,
    falls: 0,
  }),
  start: () => Promise.reject(notRunning()),
  stop: () => Promise.reject(notRunning()),
  restart: () => Promise.reject(notRunning()),
};

function notRunning(): GatewayError {
  return new GatewayError("core_offline", "no gateway runs on this machine");
}

/** What may be given more than once says nothing about the gateway. */
function onlySingle(flags: Flags): Readonly<Record<string, string | boolean | undefined>> {
  return Object.fromEntries(
    Object.entries(flags).flatMap(([key, value]) =>
      typeof value === "string" || typeof value === "boolean" ? [[key, value]] : [],
    ),
  );
}

/**
 * Runs a command that programs may read: with `--json` its failure is a document as well.
 *
 * @returns The exit code.
 */
export async function answering(
  args: readonly string[],
  io: Io,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const { reportFailure } = await import("./failure.ts");
    return reportFailure(error, args.includes("--json"), io);
  }
}

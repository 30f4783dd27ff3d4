import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../shared/errors.ts";
import type { ServiceManager, ServiceState } from "./manager.ts";
import { complaintOf, type Tool, type ToolRun } from "./tool.ts";

export const LABEL = "ai.sallyport.gateway";
const LAST_WORDS = 8;
/** A `bootout` goes on after it has returned: until it is over, `bootstrap` fails with error 5 or 37. */
const TRIES = 50;
const TRY_EVERY_MS = 200;

interface Place {
  readonly home: string;
  readonly uid: number;
}

/** launchd, by its own program: the domain of a user who is logged in at the screen. */
export class Launchd implements ServiceManager {
  readonly kind = "launchd";
  readonly scope = "user";
  readonly name = LABEL;
  readonly file: string;
  readonly hints: ServiceManager["hints"];
  readonly #tool: Tool;
  readonly #domain: string;
  readonly #target: string;
  readonly #logFile: string;

  constructor(tool: Tool, { home, uid }: Place) {
    this.#tool = tool;
    this.#domain = `gui/${uid}`;
    this.#target = `${this.#domain}/${LABEL}`;
    this.#logFile = agentLogFile(home);
    this.file = agentFile(home);
    this.hints = { status: `launchctl print ${this.#target}`, logs: "sallyport logs --follow" };
  }

  async whyNot(): Promise<string | undefined> {
    const run = await this.#tool("launchctl", ["print", this.#domain]);
    if (run.code === 0) return undefined;
    if (run.code === undefined) return "there is no launchctl here";
    return `nobody is logged in at the screen of this Mac (${complaintOf(run)})`;
  }

  async state(): Promise<ServiceState> {
    const [run, disabled] = await Promise.all([
      this.#tool("launchctl", ["print", this.#target]),
      this.#tool("launchctl", ["print-disabled", this.#domain]),
    ]);
    return printedState(run.code === 0 ? run.out : undefined, disabled.out);
  }

  async adopt(): Promise<void> {
    await mkdir(dirname(this.#logFile), { recursive: true, mode: 0o700 });
    await this.#out();
    await this.#do("enable", this.#target);
  }

  async start(): Promise<void> {
    if (await this.#isLoaded()) await this.#do("kickstart", this.#target);
    else await this.#in();
  }

  async restart(): Promise<void> {
    if (await this.#isLoaded()) await this.#do("kickstart", "-k", this.#target);
    else await this.#in();
  }

  stop(): Promise<void> {
    return this.#out();
  }

  release(): Promise<void> {
    return this.#out();
  }

  /** launchd has forgotten it with the `bootout`. */
  async forget(): Promise<void> {
    await this.#out();
  }

  async lastWords(): Promise<readonly string[]> {
    const text = await readFile(this.#logFile, "utf8").catch(() => "");
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-LAST_WORDS);
  }

  async #isLoaded(): Promise<boolean> {
    return (await this.#tool("launchctl", ["print", this.#target])).code === 0;
  }

  /** Loads it, which starts it as well. */
  async #in(): Promise<void> {
    await this.#do("enable", this.#target);
    let run: ToolRun | undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      run = await this.#tool("launchctl", ["bootstrap", this.#domain, this.file]);
      if (run.code === 0) return;
      await sleep(TRY_EVERY_MS);
    }
    const why = run === undefined ? "" : complaintOf(run);
    throw new GatewayError("conflict", `launchctl bootstrap: ${why}`);
  }

  async #out(): Promise<void> {
    await this.#tool("launchctl", ["bootout", this.#target]);
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (!(await this.#isLoaded())) return;
      await sleep(TRY_EVERY_MS);
    }
    throw new GatewayError("core_timeout", `launchctl bootout: ${LABEL} has not ended`);
  }

  async #do(...args: readonly string[]): Promise<void> {
    const run = await this.#tool("launchctl", args);
    if (run.code === 0) return;
    throw new GatewayError("conflict", `launchctl ${args.join(" ")}: ${complaintOf(run)}`);
  }
}

export function agentFile(home: string): string {
  return join(home, "Library", "LaunchAgents", `${LABEL}.plist`);
}

export function agentLogFile(home: string): string {
  return join(home, "Library", "Logs", "sallyport", "gateway.log");
}

/**
 * What `launchctl print` and `print-disabled` say. Pure. Source: launchctl(1) of macOS 14.
 *
 * @param printed - Undefined: launchd does not know it.
 */
export function printedState(printed: string | undefined, disabled: string): ServiceState {
  const isOff = new RegExp(`"${LABEL.replaceAll(".", "\\.")}" => (?:disabled|true)`).test(disabled);
  // A plist that is in place starts with the next session, unless it was disabled.
  const rest = { enabled: !isOff, restarts: 0, file: undefined, dropIns: [] };
  if (printed === undefined) {
    return { ...rest, phase: "stopped", pid: undefined, detail: "not loaded" };
  }
  const of = (key: string): string =>
    new RegExp(`^\\s*${key} = (?<value>.*)$`, "m").exec(printed)?.groups?.["value"]?.trim() ?? "";
  const state = of("state");
  const pid = Number(of("pid")) || undefined;
  const exit = /^-?\d+/.exec(of("last exit code"))?.[0];
  const failed = state !== "running" && exit !== undefined && exit !== "0";
  return {
    ...rest,
    restarts: Math.max(0, Number(of("runs")) - 1) || 0,
    file: of("path") || undefined,
    phase: phaseOf(state, failed),
    pid,
    detail: `${state || "unknown"}${exit === undefined ? "" : ` (last exit code ${exit})`}`,
  };
}

function phaseOf(state: string, failed: boolean): ServiceState["phase"] {
  if (state === "running") return "running";
  if (failed) return "failed";
  return state.startsWith("spawn") ? "starting" : "stopped";
}

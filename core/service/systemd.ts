import { join } from "node:path";
import { GatewayError } from "../../shared/errors.ts";
import type { ServiceManager, ServiceState } from "./manager.ts";
import { complaintOf, type Tool, type ToolRun } from "./tool.ts";

export const UNIT = "sallyport-gateway.service";
const SYSTEM_FOLDER = "/etc/systemd/system";
/** Lines of the journal that are shown when a start fails. */
const LAST_WORDS = 8;

const PROPERTIES = [
  "LoadState",
  "UnitFileState",
  "ActiveState",
  "SubState",
  "Result",
  "MainPID",
  "ExecMainStatus",
  "NRestarts",
  "FragmentPath",
  "DropInPaths",
  "Job",
];

/** systemd, by its own program. */
export class Systemd implements ServiceManager {
  readonly kind = "systemd";
  readonly scope: "user" | "system";
  readonly name = UNIT;
  readonly file: string;
  readonly hints: ServiceManager["hints"];
  readonly #tool: Tool;

  /** @param home - Of the user whose service it is; undefined: a system service. */
  constructor(tool: Tool, home: string | undefined) {
    this.#tool = tool;
    this.scope = home === undefined ? "system" : "user";
    this.file = unitFile(home);
    const user = home === undefined ? "" : " --user";
    this.hints = {
      status: `systemctl${user} status ${UNIT}`,
      logs: `journalctl${user === "" ? " --unit" : " --user-unit"}=${UNIT} -f`,
    };
  }

  async whyNot(): Promise<string | undefined> {
    const run = await this.#ask("show", "--property=Version");
    if (run.code === 0 && /^Version=./m.test(run.out)) return undefined;
    if (run.code === undefined) return "there is no systemctl here";
    return `systemd does not answer (${complaintOf(run)})`;
  }

  async state(): Promise<ServiceState> {
    const run = await this.#ask("show", UNIT, `--property=${PROPERTIES.join(",")}`);
    return stateIn(run.out);
  }

  async adopt(): Promise<void> {
    await this.#do("daemon-reload");
    const { file } = await this.state();
    if (file !== undefined && file !== this.file) {
      throw new GatewayError("conflict", `systemd takes ${UNIT} from ${file}, not ${this.file}`);
    }
    if (file === undefined) {
      throw new GatewayError("conflict", `systemd does not look for units in ${this.file}`);
    }
    await this.#do("enable", UNIT);
    // Failures of before must not count against it.
    await this.#ask("reset-failed", UNIT);
  }

  async start(): Promise<void> {
    await this.#ask("reset-failed", UNIT);
    await this.#do("start", "--no-block", UNIT);
  }

  async restart(): Promise<void> {
    await this.#ask("reset-failed", UNIT);
    await this.#do("restart", "--no-block", UNIT);
  }

  stop(): Promise<void> {
    return this.#do("stop", UNIT);
  }

  async release(): Promise<void> {
    await this.#do("stop", UNIT);
    await this.#do("disable", UNIT);
  }

  async forget(): Promise<void> {
    await this.#do("daemon-reload");
    // Of a unit that has not failed there is nothing to be forgotten.
    await this.#ask("reset-failed", UNIT);
  }

  async lastWords(): Promise<readonly string[]> {
    const of = this.scope === "user" ? `--user-unit=${UNIT}` : `--unit=${UNIT}`;
    const args = [of, "--output=cat", "--no-pager", "--quiet", `--lines=${LAST_WORDS}`];
    const { code, out } = await this.#tool("journalctl", args);
    return code === 0 ? out.split("\n").filter((line) => line.trim() !== "") : [];
  }

  #ask(...args: readonly string[]): Promise<ToolRun> {
    const scope = this.scope === "user" ? ["--user"] : [];
    return this.#tool("systemctl", [...scope, "--no-ask-password", ...args]);
  }

  async #do(...args: readonly string[]): Promise<void> {
    const run = await this.#ask(...args);
    if (run.code === 0) return;
    const code = /access denied|authentication required/i.test(run.err) ? "forbidden" : "internal";
    throw new GatewayError(
      code === "forbidden" ? code : "conflict",
      `systemctl ${args.join(" ")}: ${complaintOf(run)}`,
    );
  }
}

/** @param home - Undefined: that of the system. */
export function unitFile(home: string | undefined): string {
  return home === undefined
    ? join(SYSTEM_FOLDER, UNIT)
    : join(home, ".config", "systemd", "user", UNIT);
}

/** What `systemctl show` prints, understood. Pure. Source: systemctl(1), org.freedesktop.systemd1(5). */
export function stateIn(text: string): ServiceState {
  const facts = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, Math.max(0, at)), line.slice(at + 1).trim()] as const;
    }),
  );
  const of = (name: string): string => facts.get(name) ?? "";
  const active = of("ActiveState");
  const result = of("Result");
  const status = Number(of("ExecMainStatus") || 0);
  const why = result === "" || result === "success" ? "" : `, ${result} ${status || ""}`.trimEnd();
  return {
    enabled: of("UnitFileState").startsWith("enabled"),
    phase: phaseOf(active, Number(of("Job") || 0) > 0),
    pid: Number(of("MainPID")) || undefined,
    restarts: Number(of("NRestarts")) || 0,
    detail: active === "" ? "unknown" : `${active} (${of("SubState")}${why})`,
    file: of("FragmentPath") || undefined,
    dropIns: of("DropInPaths").split(" ").filter(Boolean),
  };
}

/** @param isQueued - Something was asked for and has not begun. */
function phaseOf(active: string, isQueued: boolean): ServiceState["phase"] {
  if (active === "active") return "running";
  if (active === "activating" || active === "reloading") return "starting";
  if (active === "deactivating") return "stopping";
  if (isQueued) return "starting";
  return active === "failed" ? "failed" : "stopped";
}

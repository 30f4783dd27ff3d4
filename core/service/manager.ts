/** The port of a service manager: one service, that of the gateway. */

export interface ServiceState {
  /** Starts with the machine, or with the session of its user. */
  readonly enabled: boolean;
  readonly phase: "running" | "starting" | "stopping" | "stopped" | "failed";
  /** Undefined: none. */
  readonly pid: number | undefined;
  /** How often it was started again since somebody asked for it. */
  readonly restarts: number;
  /** In the manager's own words. */
  readonly detail: string;
  /** The file it was read from, when the manager tells; another than ours means it looks elsewhere. */
  readonly file: string | undefined;
  /** Files of others that change what ours says. */
  readonly dropIns: readonly string[];
}

/** Who starts the gateway, keeps it going and ends it. All but `whyNot` and `state` throw GatewayError. */
export interface ServiceManager {
  readonly kind: "systemd" | "launchd";
  readonly scope: "user" | "system";
  /** How the manager calls the service. */
  readonly name: string;
  /** Where its description is, or will be. Absolute. */
  readonly file: string;
  /** What a person can type to see more. */
  readonly hints: { readonly status: string; readonly logs: string };
  /** Undefined: it can be used; otherwise one clause that says why not. */
  whyNot(): Promise<string | undefined>;
  state(): Promise<ServiceState>;
  /** The file is new or has changed: reads it, and has it started from now on. Starts nothing. */
  adopt(): Promise<void>;
  /** These two return before the service is ready. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Resolves when it has ended. */
  stop(): Promise<void>;
  /** Ends it, and has it started no more: the file is about to go. */
  release(): Promise<void>;
  /** The file is gone. */
  forget(): Promise<void>;
  /** What the service said last, the newest line last; empty when nobody knows. */
  lastWords(): Promise<readonly string[]>;
}

/** Whether the config can be used. Pure. */
import type { Result } from "../../../shared/result.ts";
import { type ConfigError, configErrorText, type Issue } from "../../config/issues/error.ts";
import { failed, ok, oneLine, type Verdict, warning } from "./finding.ts";

export interface ConfigFacts {
  readonly path: string;
  /** False: there is no file, and everything is as by default. */
  readonly exists: boolean;
  readonly warnings: readonly string[];
  /** Why no gateway would start with it although each setting is right by itself. Left out: nothing. */
  readonly unfit?: readonly Issue[] | undefined;
  /** Credentials that refer to a variable which is not set, by path, with its name. */
  readonly unsetVariables: ReadonlyMap<string, string>;
  /** Credentials whose secret is kept elsewhere and not to be had, by path, with the reason. */
  readonly missingSecrets: ReadonlyMap<string, string>;
}

export function judgeConfig(loaded: Result<ConfigFacts, ConfigError>): Verdict {
  if (!loaded.ok) return failed(configErrorText(loaded.error), fixOf(loaded.error));
  const { path, exists, warnings, unfit = [] } = loaded.value;
  if (unfit.length > 0) {
    const fault: ConfigError = { reason: "invalid", file: path, issues: unfit };
    return failed(configErrorText(fault), fixOf(fault));
  }
  const what = exists ? path : `no file at ${path}: everything is as by default`;
  if (warnings.length === 0) return ok(what);
  // Some name settings that nothing reads, others what is off for want of one.
  return warning(`${what}: ${warnings.join("; ")}`, "do as each says, or leave it if it is meant");
}

/** Whether all that the config refers to is there: what is not is switched off. */
export function judgeReferences({ unsetVariables, missingSecrets }: ConfigFacts): Verdict {
  const unset = [...unsetVariables].map(([path, name]) => `${path} needs ${name}`);
  const missing = [...missingSecrets].map(([path, why]) => `${path}: ${why}`);
  const faults = [...unset, ...missing];
  if (faults.length === 0) return ok("every variable and secret it refers to is there");
  return warning(
    `off for want of a variable or a secret: ${faults.map(oneLine).join("; ")}`,
    "set these variables, in the environment or in .env of the state folder, or take them out",
  );
}

function fixOf({ reason }: ConfigError): string {
  switch (reason) {
    case "unreadable":
    case "too_large":
      return "make it a readable file, or set OPENCLAW_CONFIG_PATH";
    case "syntax":
      return "correct that line: JSON with comments and trailing commas";
    case "invalid":
      return "correct these settings: a gateway that starts now refuses the file";
    case "secret":
      return "make that secret available, or write another reference";
    case "bad_variable":
      return "correct that variable";
    case "state_dir":
      return "see state.folder";
  }
}

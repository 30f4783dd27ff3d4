/** Whether the config can be used. Pure. */
import type { Result } from "../../shared/result.ts";
import { type ConfigError, configErrorText } from "../config/error.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";

export interface ConfigFacts {
  readonly path: string;
  /** False: there is no file, and everything is as by default. */
  readonly exists: boolean;
  readonly warnings: readonly string[];
}

export function judgeConfig(loaded: Result<ConfigFacts, ConfigError>): Verdict {
  if (!loaded.ok) return failed(configErrorText(loaded.error), fixOf(loaded.error));
  const { path, exists, warnings } = loaded.value;
  const what = exists ? path : `no file at ${path}: everything is as by default`;
  if (warnings.length === 0) return ok(what);
  return warning(`${what}: ${warnings.join("; ")}`, "correct these settings, or take them out");
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
    case "bad_variable":
      return "correct that variable";
    case "state_dir":
      return "see state.folder";
  }
}

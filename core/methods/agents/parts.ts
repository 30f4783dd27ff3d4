import type { AgentDirectory } from "../../agents/directory.ts";
import type { Settings } from "../../config/settings.ts";

/** A part of the config file, as it is written there: JSON. */
export type ConfigTree = Readonly<Record<string, unknown>>;

/** The config file, for those who change it by what they do. */
export interface ConfigFile {
  /** As it is written: variables are not filled in. */
  read(): Promise<ConfigTree>;
  /**
   * Changes the file, and resolves when that is in effect. As RFC 7396 has it: objects are merged,
   * null takes out, all else takes the place of what was there.
   *
   * @throws GatewayError invalid_request when the file would not be valid: then it stays as it is.
   */
  patch(change: ConfigTree): Promise<void>;
}

/** What the methods about agents work with. */
export interface AgentMethodParts {
  readonly directory: AgentDirectory;
  readonly settings: () => Settings;
  readonly configFile: ConfigFile;
  readonly now: () => number;
}

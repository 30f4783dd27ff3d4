import type { AgentSettings } from "../../agents/directory.ts";
import type { QueueConfig } from "../queue.ts";
import type { Runs } from "../run.ts";
import type { Sessions } from "../sessions.ts";
import type { SessionInfo } from "../../store/session.ts";
import type { Store } from "../../store/store.ts";
import type { Standing } from "./standing.ts";
import type { ListedModel } from "./text.ts";

/** What commands tell of the gateway, and whom they tell that something has changed. */
export interface CommandHost {
  readonly version: string | undefined;
  /** Unix ms. */
  readonly startedAt: number | undefined;
  /** Whether the edge is there; undefined: none is configured. */
  readonly edge: () => boolean | undefined;
  readonly models: (agentId: string) => readonly ListedModel[];
  /** A session has changed. Must not throw. */
  readonly changed: (sessionKey: string, reason: string, info: SessionInfo) => void;
}

/** Where nobody knows of a gateway. */
export const NO_HOST: CommandHost = {
  version: undefined,
  startedAt: undefined,
  edge: () => undefined,
  models: () => [],
  changed: () => undefined,
};

export interface CommandParts {
  readonly store: { readonly sessions: Pick<Store["sessions"], "find" | "patch" | "opening"> };
  readonly sessions: Pick<Sessions, "reset" | "compact">;
  readonly runs: Pick<Runs, "active" | "abort">;
  readonly agent: (
    agentId: string,
    model?: string,
    sessionKey?: string,
  ) => AgentSettings | Promise<AgentSettings>;
  readonly queue: () => QueueConfig;
  readonly host: () => CommandHost;
  /** Unix ms. */
  readonly now: () => number;
}

/** Who says a command, and where. */
export interface Said {
  /** The same one again is the same command. */
  readonly id: string;
  readonly sessionKey: string;
  readonly standing: Standing;
  /** Undefined: a client of the gateway. */
  readonly from:
    | {
        readonly channel: string;
        readonly sender: string;
        readonly senderName: string;
        readonly direct: boolean;
      }
    | undefined;
}

export type Outcome =
  | { readonly do: "say"; readonly text: string }
  /** For the agent: what came after a command that begins a session. */
  | { readonly do: "ask"; readonly text: string };

export function say(words: string): Outcome {
  return { do: "say", text: words };
}

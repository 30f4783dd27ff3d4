/** The commands there are. Pure. */

export type CommandName =
  | "help"
  | "commands"
  | "status"
  | "whoami"
  | "stop"
  | "new"
  | "reset"
  | "compact"
  | "name"
  | "model"
  | "models"
  | "think"
  | "fast"
  | "verbose"
  | "reasoning"
  | "usage"
  | "queue"
  | "context"
  | "tools"
  | "activation"
  | "send";

export interface CommandSpec {
  readonly name: CommandName;
  /** Other names for it. */
  readonly aliases: readonly string[];
  /** What may follow its name, for people; undefined: nothing may, and then it is no command. */
  readonly usage: string | undefined;
  /** One line for people. */
  readonly help: string;
  /** `owner`: what it does with words behind it concerns others than who says it. */
  readonly who: "anybody" | "owner";
  /**
   * `never`: only tells. `always`: changes the session. `asked`: tells when it stands alone, and
   * changes the session with words behind it.
   */
  readonly changes: "never" | "asked" | "always";
  /** Only where several people talk. */
  readonly groupsOnly?: true;
}

export const COMMANDS = [
  {
    name: "help",
    aliases: [],
    usage: undefined,
    help: "what can be said here",
    who: "anybody",
    changes: "never",
  },
  {
    name: "commands",
    aliases: [],
    usage: undefined,
    help: "all commands",
    who: "anybody",
    changes: "never",
  },
  {
    name: "status",
    aliases: [],
    usage: undefined,
    help: "model, session and gateway in a few lines",
    who: "anybody",
    changes: "never",
  },
  {
    name: "whoami",
    aliases: ["id"],
    usage: undefined,
    help: "your id here, and whether you are the owner",
    who: "anybody",
    changes: "never",
  },
  {
    name: "stop",
    aliases: ["abort"],
    usage: undefined,
    help: "stop what is under way",
    who: "anybody",
    changes: "never",
  },
  {
    name: "new",
    aliases: [],
    usage: "[message]",
    help: "begin a new session, with a first message if you like",
    who: "anybody",
    changes: "always",
  },
  {
    name: "reset",
    aliases: [],
    usage: "[message]",
    help: "the same as /new",
    who: "anybody",
    changes: "always",
  },
  {
    name: "compact",
    aliases: [],
    usage: "[what matters]",
    help: "replace what was said by a summary, to make room",
    who: "anybody",
    changes: "always",
  },
  {
    name: "name",
    aliases: [],
    usage: "[title]",
    help: "show or set the title of the session",
    who: "anybody",
    changes: "asked",
  },
  {
    name: "model",
    aliases: [],
    usage: "[provider/model | list | default]",
    help: "show or choose the model of the session",
    who: "owner",
    changes: "asked",
  },
  {
    name: "models",
    aliases: [],
    usage: "[provider]",
    help: "models there are",
    who: "anybody",
    changes: "never",
  },
  {
    name: "think",
    aliases: ["thinking", "t"],
    usage: "[level | default]",
    help: "show or set how long the model thinks",
    who: "anybody",
    changes: "asked",
  },
  {
    name: "fast",
    aliases: [],
    usage: "[auto | on | off | default]",
    help: "show or set the faster service of the provider",
    who: "anybody",
    changes: "asked",
  },
  {
    name: "verbose",
    aliases: ["v"],
    usage: "[on | full | off]",
    help: "name the tools that were used in each answer",
    who: "anybody",
    changes: "asked",
  },
  {
    name: "reasoning",
    aliases: ["reason"],
    usage: "[on | stream | off]",
    help: "show what was thought before an answer",
    who: "anybody",
    changes: "asked",
  },
  {
    name: "usage",
    aliases: [],
    usage: "[tokens | full | off]",
    help: "show tokens used, or put them under each answer",
    who: "anybody",
    changes: "asked",
  },
  {
    name: "queue",
    aliases: [],
    usage: "[steer | followup | collect | interrupt | default] [debounce:2s] [cap:20] [drop:old]",
    help: "show or set what becomes of messages during a turn",
    who: "anybody",
    changes: "asked",
  },
  {
    name: "context",
    aliases: [],
    usage: "[list]",
    help: "what the model is given of this session",
    who: "anybody",
    changes: "never",
  },
  {
    name: "tools",
    aliases: [],
    usage: undefined,
    help: "tools the agent has",
    who: "anybody",
    changes: "never",
  },
  {
    name: "activation",
    aliases: [],
    usage: "[mention | always]",
    help: "in groups: whether I answer everything, or only when I am named",
    who: "owner",
    changes: "asked",
    groupsOnly: true,
  },
  {
    name: "send",
    aliases: [],
    usage: "[on | off | inherit]",
    help: "whether this session may be written in",
    who: "owner",
    changes: "asked",
  },
] as const satisfies readonly CommandSpec[];

/** By each of its names. */
export const BY_NAME: ReadonlyMap<string, CommandSpec> = new Map(
  COMMANDS.flatMap((spec: CommandSpec) =>
    [spec.name, ...spec.aliases].map((name) => [name, spec] as const),
  ),
);

/**
 * Commands that people may know from OpenClaw, and that there are not here.
 * Source: its documents, tools/slash-commands.
 */
export const NOT_HERE: ReadonlySet<string> = new Set(
  `acp agents allowlist approve bash btw codex config dashboard debug diagnostics dreaming elev
  elevated exec export export-session export-trajectory goal learn login loop mcp openclaw pair
  plugin plugins restart session side skill steer subagents tasks tell trace
  trajectory tts update voice`.split(/\s+/),
);

import { GatewayError } from "../../../shared/errors.ts";
import { type Command, commandOf, isSoft } from "../../conversation/commands/parse.ts";
import { COMMANDS, type CommandSpec } from "../../conversation/commands/table.ts";
import type { ChatParts, Named } from "./parts.ts";
import { assistantMessage } from "./wire.ts";

/** Commands that were carried out: the same key again does not carry them out again. */
const MAX_REMEMBERED = 256;

/** What a message that begins a session anew asks in it; undefined: it does no such thing. Pure. */
export function resetOf(message: string): { readonly rest: string } | undefined {
  const command = commandOf(message);
  if (command?.do !== "run") return undefined;
  const { spec, args } = command;
  const isReset = spec.name === "new" || (spec.name === "reset" && !isSoft(args));
  return isReset ? { rest: args } : undefined;
}

/** What clients offer people to say. */
export const OFFERED = COMMANDS.map(({ name, aliases, help: description, usage }: CommandSpec) => ({
  name,
  nativeName: name,
  description,
  textAliases: [name, ...aliases].map((one) => `/${one}`),
  acceptsArgs: usage !== undefined,
  source: "native",
  scope: "both",
}));

/** What becomes of a command that a client sends. */
export type Answered =
  | { readonly do: "answer"; readonly answer: object }
  /** To be asked in the session that has begun. */
  | { readonly do: "ask"; readonly text: string };

/** Commands among the messages of `chat.send`. What they answer is told as runs are. */
export class ChatCommands {
  readonly #parts: ChatParts;
  readonly #remembered = new Map<string, object>();
  /** Nobody aborts them: a client that hangs up has asked all the same. */
  readonly #never = new AbortController().signal;

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  /** @param runId - The same one again is answered by what became of it. */
  async run(command: Command, session: Named, runId: string): Promise<Answered> {
    const known = this.#remembered.get(runId);
    if (known !== undefined) return { do: "answer", answer: known };
    // It asks a model, which may take minutes: clients do not wait that long for an answer.
    const isSlow = command.do === "run" && command.spec.name === "compact";
    if (isSlow) {
      this.#remember(runId, { runId, status: "in_flight" });
      void this.#runSlowly(command, session, runId);
      return { do: "answer", answer: { runId, status: "started" } };
    }
    const made = await this.#carryOut(command, session, runId);
    // Whether it was asked is known by its run: until then the same command again asks it.
    if (made.do === "ask") return made;
    this.#remember(runId, { runId, status: "ok" });
    // A client is told of its run before it is told of the end of it.
    setImmediate(() =>
      this.#tell(session, runId, { state: "final", stopReason: "stop" }, made.text),
    );
    return { do: "answer", answer: { runId, status: "started" } };
  }

  #carryOut(command: Command, { key: sessionKey }: Named, id: string) {
    const said = { id, sessionKey, standing: "owner", from: undefined } as const;
    return this.#parts.engine.commands.run(command, said, this.#never);
  }

  /** Never rejects. */
  async #runSlowly(command: Command, session: Named, runId: string): Promise<void> {
    try {
      const { text } = await this.#carryOut(command, session, runId);
      this.#remember(runId, { runId, status: "ok" });
      this.#tell(session, runId, { state: "final", stopReason: "stop" }, text);
    } catch (error) {
      const why = error instanceof GatewayError ? error.message : "Something failed on our side";
      this.#remember(runId, { runId, status: "error", summary: why });
      this.#tell(session, runId, { state: "error", errorMessage: why, errorKind: "unknown" });
    }
  }

  #tell({ key: sessionKey, agentId }: Named, runId: string, what: object, text?: string): void {
    const { hub, now } = this.#parts;
    const message = text === undefined ? {} : { message: assistantMessage(text, now()) };
    hub.publish("chat", { runId, sessionKey, agentId, seq: 1, ...what, ...message });
  }

  #remember(key: string, answer: object): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, answer);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) {
      this.#remembered.delete(oldest);
    }
  }
}

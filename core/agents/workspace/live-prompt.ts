import { fileFacts, readWorkspaceFile } from "./files.ts";
import { EXPECTED_FILES } from "./names.ts";
import { type PromptFile, type PromptLimits, systemPromptOf } from "./prompt.ts";

export interface PromptOrder {
  /** Absolute. */
  readonly workspace: string;
  /** What the agent is called; undefined: its files say it, or nobody does. */
  readonly name: string | undefined;
  /** In this order. */
  readonly files: readonly string[];
  readonly limits: PromptLimits;
}

/** One for each agent and each kind of session; what is asked for least recently goes first. */
const MAX_KEPT = 256;

interface Kept {
  readonly versions: string;
  readonly prompt: string;
}

/** Prompts made of files: read again when one of them has changed, which every turn looks for. */
export class LivePrompts {
  readonly #kept = new Map<string, Kept>();

  async of(order: PromptOrder): Promise<string> {
    const facts = order.files.map((name) => fileFacts(order.workspace, name));
    const versions = JSON.stringify(facts.map((one) => one?.version ?? ""));
    const key = JSON.stringify(order);
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    const prompt = kept?.versions === versions ? kept.prompt : await read(order);
    this.#kept.set(key, { versions, prompt });
    if (this.#kept.size > MAX_KEPT) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return prompt;
  }
}

async function read({ workspace, name, files, limits }: PromptOrder): Promise<string> {
  const found = await Promise.all(
    files.map(async (file): Promise<PromptFile> => {
      return { name: file, text: await readWorkspaceFile(workspace, file) };
    }),
  );
  return systemPromptOf(name, found, limits, EXPECTED_FILES);
}

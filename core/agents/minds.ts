/** What agents are told before everything else: their files, and the skills they can read. */
import type { AgentEntry } from "../config/agents.ts";
import { type SkillSettings, SkillShelf } from "./skills/shelf.ts";
import type { FoundSkill } from "./skills/eligible.ts";
import { skillsPrompt } from "./skills/skills-prompt.ts";
import type { AgentTool, Tool } from "./tool.ts";
import { createReadSkill, locationOf, READ_TOOL } from "./tools/read-skill.ts";
import type { TurnScope } from "./turn-scope.ts";
import { LivePrompts } from "./workspace/live-prompt.ts";
import { promptFilesOf } from "./workspace/names.ts";

/** Follows the settings and the files: what has changed counts from the next turn on. */
export class Minds {
  readonly #settings: () => SkillSettings;
  readonly #prompts = new LivePrompts();
  readonly #shelf = new SkillShelf();

  constructor(settings: () => SkillSettings) {
    this.#settings = settings;
  }

  /** All there are, of use or not. */
  skills(entry: AgentEntry): Promise<readonly FoundSkill[]> {
    return this.#shelf.of(entry, this.#settings());
  }

  /** Those a model is told of. */
  listed(entry: AgentEntry): Promise<readonly FoundSkill[]> {
    return this.#shelf.listed(entry, this.#settings());
  }

  readTool(entryOf: (agentId: string) => AgentEntry): AgentTool {
    return createReadSkill({
      skills: ({ agentId }) => this.listed(entryOf(agentId)),
      home: () => this.#settings().surroundings.home,
    });
  }

  /**
   * @param tools - Skills are of use only to those who can read them.
   * @param isGuest - Whether somebody else than the owner asks.
   */
  async system(
    entry: AgentEntry,
    scope: TurnScope,
    { tools, isGuest }: { readonly tools: readonly Tool[]; readonly isGuest: boolean },
  ): Promise<string> {
    if (entry.systemPromptOverride !== undefined) return entry.systemPromptOverride;
    const canRead = tools.some(({ spec }) => spec.name === READ_TOOL);
    const said = await this.#prompts.of({
      workspace: entry.workspace,
      name: entry.identity.name ?? entry.name,
      files: scope.lightContext === true ? [] : promptFilesOf(scope.sessionKey, isGuest),
      limits: entry.promptLimits,
    });
    const skills = canRead ? await this.#skillsOf(entry) : "";
    return [said, skills].filter((part) => part !== "").join("\n\n");
  }

  async #skillsOf(entry: AgentEntry): Promise<string> {
    const { home } = this.#settings().surroundings;
    const listed = (await this.listed(entry)).map((skill) => {
      return { ...skill, location: locationOf(skill, home) };
    });
    return skillsPrompt(listed, entry.promptLimits.maxSkillsChars);
  }
}

/** Tools that a client runs itself, in either of OpenAI's shapes. Pure. */
import * as z from "zod";
import type { ToolChoice, ToolSpec } from "../models/model.ts";
import { refusal } from "./refusal.ts";

/** More than any provider takes. */
const MAX_TOOLS = 128;

export const ToolName = z
  .string()
  .regex(/^[\w-]{1,64}$/, { error: "must be 1 to 64 letters, digits, _ or -" });

const Parameters = z.record(z.string(), z.unknown());

export const FunctionSpec = z.object({
  name: ToolName,
  description: z.string().nullish(),
  parameters: Parameters.nullish(),
  strict: z.boolean().nullish(),
});
type FunctionSpec = z.output<typeof FunctionSpec>;

const ONLY_FUNCTIONS = "only function tools are supported: the agent brings tools of its own";

/** `tools` of a chat completion. */
export const ChatTools = z
  .array(
    z.object({
      type: z.literal("function", { error: ONLY_FUNCTIONS }),
      function: FunctionSpec,
    }),
  )
  .max(MAX_TOOLS, { error: `must hold at most ${MAX_TOOLS} tools` });

/** `tools` of a response. */
export const ResponseTools = z
  .array(
    z.object({ type: z.literal("function", { error: ONLY_FUNCTIONS }), ...FunctionSpec.shape }),
  )
  .max(MAX_TOOLS, { error: `must hold at most ${MAX_TOOLS} tools` });

const CHOICE = 'must be "auto", "none", "required" or name a function';

const Mode = z.enum(["auto", "none", "required"]);

export const ChatToolChoice = z.union(
  [Mode, z.object({ type: z.literal("function"), function: z.object({ name: ToolName }) })],
  { error: CHOICE },
);

export const ResponseToolChoice = z.union(
  [Mode, z.object({ type: z.literal("function"), name: ToolName })],
  { error: CHOICE },
);

export type GivenChoice = "auto" | "none" | "required" | { readonly name: string };

export interface ClientTools {
  readonly clientTools: readonly ToolSpec[];
  readonly toolChoice: ToolChoice | undefined;
}

/**
 * What the model is offered.
 *
 * @throws GatewayError invalid_request for a name that comes twice, or a choice without its tool.
 */
export function clientTools(
  functions: readonly FunctionSpec[],
  choice: GivenChoice | undefined,
): ClientTools {
  const names = functions.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0) throw refusal(`tools[${twice}]`, "has the name of another tool");
  if (choice === "none") return { clientTools: [], toolChoice: undefined };
  const toolChoice = choice === "auto" ? undefined : choice;
  const wanted = typeof toolChoice === "object" ? toolChoice.name : undefined;
  if (wanted !== undefined && !names.includes(wanted)) {
    throw refusal("tool_choice", "names no tool of this request");
  }
  if (toolChoice === "required" && names.length === 0) {
    throw refusal("tool_choice", "demands a tool, and there is none");
  }
  return { clientTools: functions.map(toSpec), toolChoice };
}

function toSpec({ name, description, parameters }: FunctionSpec): ToolSpec {
  return {
    name,
    description: description ?? "",
    parameters: parameters ?? { type: "object", properties: {} },
  };
}

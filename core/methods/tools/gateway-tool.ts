/** `gateway`: reads the config, with secrets covered. Nothing can be changed with it. */
import * as z from "zod";
import type { AgentTool } from "../../agents/tool.ts";
import { parametersOf } from "../../agents/tools/parameters.ts";
import type { Settings } from "../../config/settings.ts";
import { explained, shown } from "./answer.ts";

const Input = z.strictObject({
  action: z.literal("config.get"),
  path: z
    .string()
    .max(512)
    .optional()
    .describe("A part of the config by its dotted path, such as agents.defaults; left out: all"),
});

export interface GatewayToolParts {
  readonly settings: () => Pick<Settings, "openWriter">;
}

export function gatewayTool({ settings }: GatewayToolParts): AgentTool {
  return {
    spec: {
      name: "gateway",
      description: "Reads the config of this gateway. Secrets in it are covered.",
      parameters: parametersOf(Input),
    },
    for: "owner",
    run: (input) =>
      explained(async () => {
        const { path } = Input.parse(input);
        const snapshot = await (await settings().openWriter()).snapshot();
        const part = path === undefined ? snapshot.resolved : partOf(snapshot.resolved, path);
        if (part === undefined) return `Nothing is set at ${path ?? ""}.`;
        return shown({ ...(path === undefined ? {} : { path }), config: part });
      }),
  };
}

/** Own settings only. */
function partOf(tree: unknown, path: string): unknown {
  let part = tree;
  for (const key of path.split(".")) {
    if (typeof part !== "object" || part === null || !Object.hasOwn(part, key)) return undefined;
    part = Reflect.get(part, key);
  }
  return part;
}

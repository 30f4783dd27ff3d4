/** Variables that a `.env` sets: their names are told, their values never. */
import { Secret } from "../../shared/secret.ts";
import { envLine, envNames, setVariables } from "../config/write/env-file.ts";
import type { Part, Step } from "./step.ts";

/** Where OpenClaw has its things, which is not where we have ours. */
const OF_PLACES: ReadonlySet<string> = new Set([
  "OPENCLAW_HOME",
  "OPENCLAW_STATE_DIR",
  "OPENCLAW_CONFIG_PATH",
]);

/** @throws GatewayError forbidden when one of the files cannot be read. */
export async function variableSteps(from: string, to: string): Promise<Step[]> {
  const [theirs, ours] = await Promise.all([envNames(from), envNames(to)]);
  return [...theirs].map(([name, value]) => {
    const named = { part: "variables", name } as const;
    if (OF_PLACES.has(name)) {
      return { ...named, verdict: "left", note: "it says where OpenClaw has its things" };
    }
    return variableStep(named, value, ours, to);
  });
}

/** @param ours - What `file` has already. */
export function variableStep(
  named: { readonly part: Part; readonly name: string },
  value: string,
  ours: ReadonlyMap<string, string>,
  file: string,
): Step {
  const { name } = named;
  const there = ours.get(name);
  if (there === value) return { ...named, verdict: "same" };
  if (there !== undefined) {
    return { ...named, verdict: "kept", note: `${file} has another value for it` };
  }
  if (envLine(name, value) === undefined) {
    return { ...named, verdict: "left", note: "no .env can hold its value: set it yourself" };
  }
  return {
    ...named,
    verdict: "add",
    apply: async () => void (await setVariables(file, new Map([[name, new Secret(value)]]))),
  };
}

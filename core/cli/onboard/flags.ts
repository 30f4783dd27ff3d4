/** Flags of `onboard` -> what is to be set up. Pure. */
import { err, ok, type Result } from "../../../shared/result.ts";
import { type ModelPlan, modelOf } from "./model-flags.ts";
import { type Given, Values } from "./options.ts";

export interface OnboardPlan {
  readonly mode: "local" | "remote";
  readonly authChoice: string;
  readonly model: ModelPlan | undefined;
  readonly values: Values;
}

/** An error says which flag is wrong, never with what. */
export function planOf(given: Given): Result<OnboardPlan, string> {
  const parsed = Values.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`--${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not understood"}`);
  }
  const values = parsed.data;
  if ((values.channel === undefined) !== (values["channel-token"] === undefined)) {
    return err("--channel and --channel-token go together");
  }
  if (values.mode === "remote") return remotePlan(values);
  const model = modelOf(given, values);
  if (!model.ok) return model;
  const authChoice = values["auth-choice"] ?? model.value?.provider ?? "skip";
  return ok({ mode: "local", authChoice, model: model.value, values });
}

function remotePlan(values: Values): Result<OnboardPlan, string> {
  if (values["remote-url"] === undefined) return err("--mode remote needs --remote-url");
  return ok({ mode: "remote", authChoice: "skip", model: undefined, values });
}

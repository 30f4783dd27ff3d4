/** Whether a model could answer, as far as that shows without a request. Pure. */
import { resolveModel, type UnusableModel } from "../../models/resolve.ts";
import { DEMO_REF, type ProviderSettings } from "../../models/settings.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";

const FIXES: Readonly<Record<UnusableModel["code"], string>> = {
  model_unauthorized: "set the key of that provider (models.providers.*.apiKey)",
  model_not_found: "set up that provider (models.providers)",
  invalid_request: "set the address of its API (models.providers.*.baseUrl)",
};
const OTHERWISE = "or take another model (agents.defaults.model)";

/** @param chain - `provider/model`, the first one first. */
export function judgeModels(chain: readonly string[], providers: ProviderSettings): Verdict {
  const [first = DEMO_REF] = chain;
  if (first === DEMO_REF) {
    return warning(
      `${DEMO_REF}: a demo that only echoes`,
      "set ANTHROPIC_API_KEY, OPENAI_API_KEY or agents.defaults.model",
    );
  }
  const faults = chain
    .filter((ref) => ref !== DEMO_REF)
    .flatMap((ref) => {
      const resolved = resolveModel(ref, providers, () => 0);
      return resolved.ok ? [] : [{ ref, ...resolved.error }];
    });
  const fix = [...new Set(faults.map(({ code }) => FIXES[code])), OTHERWISE].join(", ");
  const messages = faults.map(({ message }) => message).join("; ");
  if (faults.some(({ ref }) => ref === first)) return failed(messages, fix);
  if (faults.length > 0) return warning(messages, fix);
  return ok(`${chain.join(", ")}: set up${chain.length > 1 ? "" : ", with all it needs"}`);
}

/** @param status - Of the gateway's answer to one short question; 0 for none. */
export function judgeAnswer(status: number, code: string): Verdict {
  if (status === 200) return ok("the model answered one short question");
  const what = status === 0 ? `no answer (${code})` : `${status} ${code}`.trimEnd();
  return failed(
    `the gateway could not get an answer from the model: ${what}`,
    "the gateway's log has the provider's own words",
  );
}

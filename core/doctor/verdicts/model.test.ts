import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { judgeAnswer, judgeModels } from "./model.ts";

const PROVIDERS = {
  anthropic: { api: "anthropic-messages", apiKey: new Secret("top-secret") },
  openai: { api: "openai-completions" },
} as const;

test.each([
  ["has its key", ["anthropic/claude"], "ok"],
  ["is the demo", ["demo/echo"], "warning"],
  ["has no key", ["openai/gpt"], "failed"],
  ["has a fallback without a key", ["anthropic/claude", "openai/gpt"], "warning"],
  ["falls back to the demo", ["anthropic/claude", "demo/echo"], "ok"],
  ["is of nobody we know", ["nobody/x"], "failed"],
])("a model that %s", (_name, chain, status) => {
  const verdict = judgeModels(chain, PROVIDERS);
  expect(verdict.status).toBe(status);
  expect(JSON.stringify(verdict)).not.toContain("top-secret");
});

test("an answer is an answer, and its absence has a reason", () => {
  expect(judgeAnswer(200, "").status).toBe("ok");
  expect(judgeAnswer(502, "model_unauthorized").detail).toContain("502 model_unauthorized");
  expect(judgeAnswer(0, "ECONNRESET").detail).toContain("no answer (ECONNRESET)");
});

test.each([
  ["no key", "openai/gpt", "apiKey"],
  ["no provider", "nobody/x", "set up that provider"],
  ["no address", "custom/x", "baseUrl"],
])("with %s the remedy is for that", (_name, ref, words) => {
  const custom = { api: "openai-completions", apiKey: new Secret("k") } as const;
  const verdict = judgeModels([ref], { ...PROVIDERS, custom });
  const fix = verdict.status === "ok" ? "" : verdict.fix;
  expect(fix).toContain(words);
  expect(fix).toContain("agents.defaults.model");
});

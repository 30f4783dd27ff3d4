import { expect, test } from "vitest";
import { Secret } from "../../shared/secret.ts";
import { resolveModel } from "./resolve.ts";
import type { ProviderSettings } from "./settings.ts";

const KEY = "sk-resolve-0123456789";

const providers: ProviderSettings = {
  anthropic: { api: "anthropic-messages", apiKey: new Secret(KEY) },
  openai: { api: "openai-completions" },
  ollama: { api: "openai-completions" },
  openrouter: { api: "openai-completions", apiKey: new Secret(KEY), idleTimeoutMs: 5 },
  mine: { api: "openai-completions", baseUrl: "http://10.0.0.5:8000/v1" },
  nowhere: { api: "openai-completions", apiKey: new Secret(KEY) },
  strange: { api: "openai-completions", baseUrl: "ftp://files.test" },
  leaky: { api: "openai-completions", baseUrl: "https://user:pass@models.test/v1" },
};

test.each([
  [
    "anthropic/claude-sonnet-4-5",
    "anthropic-messages",
    "claude-sonnet-4-5",
    "https://api.anthropic.com",
  ],
  [
    "openrouter/meta/llama-3:free",
    "openai-completions",
    "meta/llama-3:free",
    "https://openrouter.ai/api/v1",
  ],
  ["ollama/qwen3:4b", "openai-completions", "qwen3:4b", "http://127.0.0.1:11434/v1"],
  ["mine/brain", "openai-completions", "brain", "http://10.0.0.5:8000/v1"],
])("%s is found", (ref, api, model, baseUrl) => {
  expect(resolveModel(ref, providers, Date.now)).toMatchObject({
    ok: true,
    value: { api, settings: { model, baseUrl } },
  });
});

test("timeouts are the provider's own where it has some, the default where not", () => {
  expect(resolveModel("openrouter/x", providers, Date.now)).toMatchObject({
    value: { settings: { timeouts: { firstByteMs: 120_000, idleMs: 5 } } },
  });
});

test.each([
  ["no slash", "claude", "model_not_found"],
  ["no model", "anthropic/", "model_not_found"],
  ["no provider", "/claude", "model_not_found"],
  ["nothing", "", "model_not_found"],
  ["a line break", "anthropic/claude\nx", "model_not_found"],
  ["a thousand characters", `anthropic/${"x".repeat(1_000)}`, "model_not_found"],
  ["an unknown provider", "acme/brain", "model_not_found"],
  ["a name every object has", "constructor/x", "model_not_found"],
  ["the demo under another name", "demo/other", "model_not_found"],
  ["a vendor without a key", "openai/gpt-5", "model_unauthorized"],
  ["an unknown vendor without an address", "nowhere/x", "invalid_request"],
  ["an address that is not the web's", "strange/x", "invalid_request"],
  ["an address with credentials", "leaky/x", "invalid_request"],
])("a ref with %s is refused with a reason", (_name, ref, code) => {
  const resolved = resolveModel(ref, providers, Date.now);
  expect(resolved).toMatchObject({ ok: false, error: { code } });
  const { message } = resolved.ok ? { message: "" } : resolved.error;
  expect(message.length).toBeGreaterThan(20);
  expect(message).not.toMatch(/[\n]|pass|sk-resolve/);
  expect(message.length).toBeLessThan(300);
});

/** Where the providers of models known by name live, and whether they answer without a key. */
export const KNOWN_PROVIDERS: ReadonlyMap<
  string,
  { readonly baseUrl: string; readonly keyless: boolean }
> = new Map([
  ["anthropic", { baseUrl: "https://api.anthropic.com", keyless: false }],
  ["openai", { baseUrl: "https://api.openai.com/v1", keyless: false }],
  ["openrouter", { baseUrl: "https://openrouter.ai/api/v1", keyless: false }],
  [
    "google",
    { baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai", keyless: false },
  ],
  ["groq", { baseUrl: "https://api.groq.com/openai/v1", keyless: false }],
  ["mistral", { baseUrl: "https://api.mistral.ai/v1", keyless: false }],
  ["deepseek", { baseUrl: "https://api.deepseek.com/v1", keyless: false }],
  ["xai", { baseUrl: "https://api.x.ai/v1", keyless: false }],
  ["ollama", { baseUrl: "http://127.0.0.1:11434/v1", keyless: true }],
  ["lmstudio", { baseUrl: "http://127.0.0.1:1234/v1", keyless: true }],
  ["vllm", { baseUrl: "http://127.0.0.1:8000/v1", keyless: true }],
]);

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ask, collect, textOf } from "../../test/contract/model.ts";
import { startFakeAnthropic } from "../../test/support/fake-anthropic.ts";
import { startFakeOpenAi } from "../../test/support/fake-openai.ts";
import { createModel } from "./registry.ts";

test("a provider is reached through the API it speaks, by its own name for the model", async () => {
  await using anthropic = await startFakeAnthropic();
  await using openai = await startFakeOpenAi();
  const providers = {
    claude: { api: "anthropic-messages", baseUrl: anthropic.baseUrl },
    local: { api: "openai-completions", baseUrl: openai.baseUrl },
  } as const;
  for (const ref of ["claude/opus", "local/org/brain:7b"]) {
    const model = await createModel(ref, providers);
    expect(model).toMatchObject({ id: ref, demo: false });
    expect(textOf(await collect(model, ask("hello")))).toBe("hello");
  }
  expect(anthropic.requests[0]?.body).toMatchObject({ model: "opus" });
  expect(openai.requests[0]?.body).toMatchObject({ model: "org/brain:7b" });
});

test("a server that asks for no key is sent none", async () => {
  await using anthropic = await startFakeAnthropic();
  await using openai = await startFakeOpenAi();
  const providers = {
    claude: { api: "anthropic-messages", baseUrl: anthropic.baseUrl },
    local: { api: "openai-completions", baseUrl: openai.baseUrl },
  } as const;
  await collect(await createModel("claude/x", providers), ask("hello"));
  await collect(await createModel("local/x", providers), ask("hello"));
  const sent = [...anthropic.requests, ...openai.requests].flatMap(
    ({ headerNames }) => headerNames,
  );
  expect(sent).toContain("content-type");
  expect(sent).not.toContain("authorization");
  expect(sent).not.toContain("x-api-key");
});

test("the demo model is always there", async () => {
  expect(await createModel("demo/echo", {})).toMatchObject({ id: "demo/echo", demo: true });
});

test("a bad ref fails at once, not at the first question", async () => {
  await expect(createModel("acme/brain", {})).rejects.toMatchObject({
    name: "GatewayError",
    code: "model_not_found",
    message: expect.stringContaining('no provider "acme"'),
  });
});

test("no SDK is loaded before the first question", async () => {
  const registry = fileURLToPath(new URL("registry.ts", import.meta.url));
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ resolve: (name, context, next) => (loaded.push(name), next(name, context)) });
    const { createModel } = await import(${JSON.stringify(registry)});
    const api = { baseUrl: "http://127.0.0.1:9" };
    await createModel("a/x", { a: { ...api, api: "anthropic-messages" } });
    const model = await createModel("o/x", { o: { ...api, api: "openai-completions" } });
    const sdks = () => loaded.filter((name) => /^(openai|@anthropic-ai)/.test(name));
    const before = sdks();
    const request = { messages: [{ role: "user", text: "x" }], tools: [] };
    for await (const event of model.stream(request, AbortSignal.abort()));
    console.log(JSON.stringify([before, sdks()]));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "-e",
    script,
  ]);
  expect(JSON.parse(stdout)).toEqual([[], ["openai"]]);
});

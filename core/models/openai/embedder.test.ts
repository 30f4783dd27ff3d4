import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { createEmbedder } from "../registry.ts";

/** A server of embeddings that answers everything the same way. */
async function world(status: number, body: unknown, headers: Record<string, string> = {}) {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  const embedder = await createEmbedder("e/small", {
    e: {
      api: "openai-completions",
      apiKey: new Secret("sk-secret"),
      baseUrl: `http://127.0.0.1:${address.port}/v1`,
    },
  });
  return {
    embed: (...input: readonly string[]) =>
      embedder.embed({ input, dimensions: undefined }, new AbortController().signal),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function answer(...data: readonly unknown[]): object {
  return { object: "list", data, model: "small" };
}

test("vectors come in the order of the inputs, and tokens are estimated when nobody counts", async () => {
  await using w = await world(
    200,
    answer({ index: 1, embedding: [2] }, { index: 0, embedding: [1] }),
  );
  expect(await w.embed("four", "five5")).toEqual({ vectors: [[1], [2]], inputTokens: 3 });
});

test("an answer that has one twice lacks another", async () => {
  const body = answer({ index: 0, embedding: [1] }, { index: 0, embedding: [1] });
  await using w = await world(200, body);
  await expect(w.embed("x", "y")).rejects.toMatchObject({ code: "model_failed" });
});

// Each row is what a broken or hostile server may say.
test.each<[string, unknown]>([
  ["nothing", {}],
  ["no list", { data: "x" }],
  ["too few", answer()],
  ["too many", answer({ index: 0, embedding: [1] }, { index: 1, embedding: [1] })],
  ["no vector", answer({ index: 0, embedding: "AAAA" })],
  ["no numbers", answer({ index: 0, embedding: [1, null] })],
  ["a place that is not there", answer({ index: 7, embedding: [1] })],
  ["a place before the first", answer({ index: -1, embedding: [1] })],
])("an answer with %s is a failure of the provider", async (_name, body) => {
  await using w = await world(200, body);
  await expect(w.embed("x")).rejects.toMatchObject({ code: "model_failed" });
});

test.each([
  [401, "model_unauthorized"],
  [404, "model_not_found"],
  [429, "rate_limited"],
  [500, "model_failed"],
])("a status %i is %s, and never shows the key", async (status, code) => {
  await using w = await world(status, { error: { message: "no" } }, { "Retry-After": "7" });
  const error: unknown = await w.embed("x").catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect(JSON.stringify(error)).not.toContain("sk-secret");
});

test("a provider without embeddings, and one that there is not, are refused by name", async () => {
  const providers = {
    claude: { api: "anthropic-messages", baseUrl: "http://127.0.0.1:9" },
  } as const;
  await expect(createEmbedder("claude/opus", providers)).rejects.toMatchObject({
    code: "invalid_request",
  });
  await expect(createEmbedder("nobody/none", providers)).rejects.toMatchObject({
    code: "model_not_found",
  });
});

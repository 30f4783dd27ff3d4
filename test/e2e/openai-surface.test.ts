import { createServer } from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DescribedOperation, readOpenApi } from "../support/open-api.ts";
import { DOORS, type Door, type OpenAiWorld, startOpenAiWorld } from "../support/openai-world.ts";

/** Vectors that can be told apart: the length of each input, and where it stands. */
async function startFakeEmbeddings(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { input, model }: { input: readonly unknown[]; model: string } = JSON.parse(
        Buffer.concat(chunks).toString(),
      );
      const known = request.url === "/v1/embeddings" && model === "embed-small";
      const data = input.map((one, index) => ({
        object: "embedding",
        index,
        embedding: [typeof one === "string" || Array.isArray(one) ? one.length : 0, index],
      }));
      const usage = { prompt_tokens: 7, total_tokens: 7 };
      const body = known
        ? { object: "list", data: data.toReversed(), model, usage }
        : { error: { message: "no such model", type: "invalid_request_error" } };
      response.writeHead(known ? 200 : 404, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

let embeddings: Awaited<ReturnType<typeof startFakeEmbeddings>>;
let world: OpenAiWorld;
let operations: readonly DescribedOperation[];
let kept: string;

beforeAll(async () => {
  embeddings = await startFakeEmbeddings();
  world = await startOpenAiWorld({
    agents: {
      defaults: {
        model: "openai/gpt-test",
        memorySearch: { provider: "vectors", model: "embed-small" },
      },
    },
    models: {
      providers: {
        vectors: { baseUrl: embeddings.url, apiKey: "k", api: "openai-completions", models: [] },
      },
    },
  });
  operations = readOpenApi(await (await world.call("the edge", "/openapi.json")).json());
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await embeddings[Symbol.asyncDispose]();
});

/** The path with something that is there in place of what it leaves open. */
async function concrete({ path }: DescribedOperation, door: Door): Promise<string> {
  if (path.includes("{id}")) {
    kept = (await world.client(door).responses.create({ model: "openclaw", input: "x" })).id;
  }
  return path.replace("{model}", "openclaw").replace("{id}", kept).replace("{name}", "agent");
}

async function ask(
  door: Door,
  operation: DescribedOperation,
  { path, token }: { readonly path: string; readonly token: string | undefined },
): Promise<Response> {
  const isHook = operation.id.startsWith("postHook");
  const example = isHook ? { message: "hi" } : operation.example;
  const headers = new Headers(token === undefined ? {} : { Authorization: `Bearer ${token}` });
  if (example !== undefined) headers.set("Content-Type", "application/json");
  return fetch(new URL(path, world.url(door)), {
    method: operation.method,
    headers,
    ...(example === undefined ? {} : { body: JSON.stringify(example) }),
  });
}

test("the document names every route there is to be found", () => {
  expect(operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
    [
      "DELETE /v1/responses/{id}",
      "GET /__openclaw/control-ui-config.json",
      "GET /api/auth/check",
      "GET /api/openapi.json",
      "GET /api/status",
      "GET /control-ui-config.json",
      "GET /health",
      "GET /healthz",
      "GET /metrics",
      "GET /openapi.json",
      "GET /ready",
      "GET /readyz",
      "GET /startup",
      "GET /startupz",
      "GET /v1/models",
      "GET /v1/models/{model}",
      "GET /v1/responses/{id}",
      "POST /hooks/{name}",
      "POST /response",
      "POST /tool",
      "POST /tools/invoke",
      "POST /v1/chat/completions",
      "POST /v1/embeddings",
      "POST /v1/responses",
      "POST /v1/responses/{id}/cancel",
    ].toSorted(),
  );
  expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
});

test("every example is what its schema says, and an empty body is not", () => {
  const withBody = operations.filter(({ body }) => body !== undefined);
  expect(withBody.length).toBeGreaterThan(4);
  for (const { body, example, id } of withBody) {
    expect(body?.safeParse(example), id).toMatchObject({ success: true });
    if (!id.startsWith("invokeTool")) expect(body?.safeParse({}).success, id).toBe(false);
  }
});

test.each(DOORS)(
  "every operation of the document is served as it says, through %s",
  async (door) => {
    for (const operation of operations) {
      const path = await concrete(operation, door);
      const isHook = operation.id.startsWith("postHook");
      const token = isHook ? world.home.hooksToken : world.home.token;
      const response = await ask(door, operation, { path, token });
      const where = `${operation.method} ${path}: ${response.status}`;
      const isProbe = ["/health", "/ready"].some((probe) => path.startsWith(probe));
      const text = await response.text();
      expect([...operation.answers.keys()], where).toContain(response.status);
      expect([404, 405], where).not.toContain(response.status);
      const schema = operation.answers.get(response.status);
      // A probe at the edge is about the edge.
      if (schema === undefined || (isProbe && door === "the edge")) continue;
      expect(schema.safeParse(JSON.parse(text)), `${where} ${text}`).toMatchObject({
        success: true,
      });
    }
  },
);

test.each(DOORS)(
  "what needs a token is a 401 of one shape without a good one, through %s",
  async (door) => {
    for (const operation of operations.filter(({ needsToken }) => needsToken)) {
      const path = operation.path.replace("{model}", "openclaw").replace("{id}", "resp_1");
      for (const token of [undefined, "wrong"]) {
        const response = await ask(door, operation, { path, token });
        expect(response.status, `${operation.method} ${path}`).toBe(401);
        expect(response.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
        const schema = operation.answers.get(401);
        const body: unknown = await response.json();
        // The edge knows nothing of what clients of tools read.
        if (door === "the edge" && operation.id.startsWith("invokeTool")) continue;
        expect(schema?.safeParse(body), JSON.stringify(body)).toMatchObject({ success: true });
      }
    }
  },
);

test("every path says which methods it has, and no browser of elsewhere gets in", async () => {
  const paths = [...new Set(operations.map(({ path }) => path))].filter(
    (path) => !path.startsWith("/hooks"),
  );
  for (const path of paths) {
    const methods = operations.filter((one) => one.path === path).map(({ method }) => method);
    const allowed = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    const at = path.replace("{model}", "openclaw").replace("{id}", "resp_1");
    for (const method of ["OPTIONS", "PUT", "PATCH"]) {
      const response = await world.call("the core's own port", at, { method });
      await response.arrayBuffer();
      expect(response.status, `${method} ${at}`).toBe(405);
      expect(response.headers.get("Allow")?.split(", ").toSorted()).toEqual(allowed.toSorted());
      expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
    // A browser asks so before it shows a credential.
    const bare = await fetch(new URL(at, world.url("the core's own port")), { method: "OPTIONS" });
    await bare.arrayBuffer();
    expect(bare.status, `OPTIONS ${at} without a credential`).toBe(405);
  }
});

test.each(["/v1/nothing", "/api/nothing", "/tools/nothing", "/nothing", "/v1/chat"])(
  "%s is a 404",
  async (path) => {
    for (const method of ["GET", "POST"]) {
      const response = await world.call("the core's own port", path, { method });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "not_found", hop: "core" });
    }
  },
);

test("a HEAD is a GET without a body", async () => {
  for (const path of ["/health", "/startup", "/ready", "/v1/models", "/openapi.json"]) {
    const response = await world.call("the core's own port", path, { method: "HEAD" });
    expect(response.status, path).toBe(200);
    expect(await response.text()).toBe("");
  }
});

test.each<[string, string, RequestInit, number]>([
  ["a body that is no JSON", "/v1/responses", { body: "{oops" }, 400],
  [
    "a body of another type",
    "/v1/responses",
    { body: "x", headers: { "Content-Type": "text/plain" } },
    415,
  ],
  ["a form", "/v1/chat/completions", { body: new URLSearchParams({ a: "b" }) }, 415],
  [
    "a body above what any request may have",
    "/v1/embeddings",
    { body: `"${"x".repeat(26 << 20)}"` },
    413,
  ],
  ["a tool's body above its own limit", "/tools/invoke", { body: `"${"x".repeat(3 << 20)}"` }, 413],
  ["a hundred thousand brackets", "/v1/responses", { body: "[".repeat(100_000) }, 400],
  ["a prototype", "/v1/responses", { body: '{"__proto__":{"model":"openclaw","input":"x"}}' }, 400],
])("%s is refused", async (_name, path, init, status) => {
  const response = await world.call("the core's own port", path, {
    method: "POST",
    headers: init.body instanceof URLSearchParams ? {} : { "Content-Type": "application/json" },
    ...init,
  });
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ status, requestId: expect.any(String) });
});

test.each(DOORS)(
  "embeddings come in the order of their inputs, in both formats, through %s",
  async (door) => {
    const openai = world.client(door);
    const input = ["a", "bbb"];
    // The SDK asks for base64 and reads it unless it is told otherwise.
    const packed = await openai.embeddings.create({ model: "openclaw", input });
    expect(packed.data.map(({ embedding }) => embedding)).toEqual([
      [1, 0],
      [3, 1],
    ]);
    expect(packed).toMatchObject({ model: "openclaw", usage: { prompt_tokens: 7 } });
    const plain = await openai.embeddings.create({
      model: "vectors/embed-small",
      input: [[1, 2, 3]],
      encoding_format: "float",
    });
    expect(plain.data[0]?.embedding).toEqual([3, 0]);
    await expect(
      openai.embeddings.create({ model: "vectors/unheard-of", input }),
    ).rejects.toMatchObject({ status: 404 });
    await expect(openai.embeddings.create({ model: "nobody/none", input })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  },
);

test.each(DOORS)("a tool is run without an agent, through %s", async (door) => {
  const invoke = async (body: object): Promise<readonly [number, unknown]> => {
    const response = await world.call(door, "/tools/invoke", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  };
  expect(await invoke({ tool: "current_time", args: { timezone: "Asia/Tokyo" } })).toEqual([
    200,
    {
      ok: true,
      result: { content: [{ type: "text", text: expect.stringContaining("Asia/Tokyo") }] },
    },
  ]);
  expect(await invoke({ tool: "exec", args: { command: "id" } })).toMatchObject([
    404,
    { ok: false, error: { type: "not_found" } },
  ]);
  expect(await invoke({ args: {} })).toMatchObject([
    400,
    { ok: false, error: { type: "invalid_request", message: "tools.invoke requires name" } },
  ]);
  expect(await invoke({ tool: "current_time", agentId: "nobody" })).toMatchObject([
    400,
    { ok: false },
  ]);
});

test("a page learns who it talks to, and a proxy whether it may let somebody through", async () => {
  const config = await world.call("the edge", "/control-ui-config.json");
  expect(await config.json()).toMatchObject({ basePath: "", assistantAgentId: "main" });
  const checked = await world.call("the core's own port", "/api/auth/check");
  expect(checked.status).toBe(204);
});

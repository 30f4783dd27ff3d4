import { expect, test } from "vitest";
import type { Caller } from "../tunnel/handlers.ts";
import type { HttpAgents } from "./agents.ts";
import { createEmbedding } from "./embeddings.ts";

const MAIN = { id: "main", name: undefined, model: { id: "demo/echo", demo: true } };
const AGENTS: HttpAgents = {
  main: () => MAIN,
  list: () => [MAIN],
  find: (id) => (id === "main" ? MAIN : undefined),
};

function callerWith(scope: "operator" | "chat"): Caller {
  const principal = { subject: "s", scopes: [scope] };
  return { principal, operatorScopes: undefined, requestId: "r", ip: "127.0.0.1", via: "local" };
}

/** What is asked of a provider for a model of this name. */
async function asked(model: string, defaultRef?: string, scope: "operator" | "chat" = "operator") {
  const refs: string[] = [];
  const request = new Request("http://localhost/v1/embeddings", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, input: "x" }),
  });
  await createEmbedding(request, callerWith(scope), {
    agents: AGENTS,
    defaultRef: () => defaultRef,
    async create(ref) {
      refs.push(ref);
      return { id: ref, embed: async () => ({ vectors: [[1]], inputTokens: 1 }) };
    },
    pricesOf: () => undefined,
    keep: async () => undefined,
    now: () => 0,
  });
  return refs;
}

test.each(["text-embedding-3-small", "openclaw", "openclaw/main", "openclaw/nobody", "main"])(
  "with no embedding model set up, %s is answered at once with what would work",
  async (model) => {
    const param = "model";
    await expect(asked(model)).rejects.toMatchObject({
      code: "invalid_request",
      param,
      message: expect.stringMatching(
        /^No embedding model is set up: name one as `provider\/model`, .*`agents\.defaults\.memorySearch`$/,
      ),
    });
    // Who may not choose is not told to.
    await expect(asked(model, undefined, "chat")).rejects.toMatchObject({
      message: "No embedding model is set up: the owner sets `agents.defaults.memorySearch`",
    });
  },
);

test("the model that is set up is found by an agent's name, and by its own", async () => {
  const usual = "openai/text-embedding-3-small";
  expect(await asked("openclaw", usual)).toEqual([usual]);
  expect(await asked("text-embedding-3-small", usual)).toEqual([usual]);
  expect(await asked("text-embedding-3-small", usual, "chat")).toEqual([usual]);
  expect(await asked("vectors/other", usual)).toEqual(["vectors/other"]);
  await expect(asked("text-embedding-3-large", usual)).rejects.toMatchObject({
    code: "model_not_found",
  });
});

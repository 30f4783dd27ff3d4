import { expect, test } from "vitest";
import { type ApiParts, apiHandlers } from "./api.ts";

const MAIN = { id: "main", name: undefined, model: { id: "demo/echo", demo: true } };

/** Only what the list of models is made of. */
function handlers(chatCompletions: boolean, responses: boolean) {
  const parts: Pick<ApiParts, "agents" | "endpoints"> = {
    agents: { main: () => MAIN, list: () => [MAIN], find: () => MAIN },
    endpoints: () => ({ chatCompletions, responses }),
  };
  return apiHandlers(Object({ ...parts }));
}

const REQUEST = new Request("http://localhost/v1/models");
const CALLER = Object({});

test.each([
  [true, true],
  [true, false],
  [false, true],
])("agents are models while they can be asked: %s, %s", async (chat, responses) => {
  const { listModels, getModel } = handlers(chat, responses);
  expect((await listModels(REQUEST, CALLER, "")).status).toBe(200);
  expect((await getModel(REQUEST, CALLER, "openclaw")).status).toBe(200);
});

test("with both endpoints off there are no models", () => {
  const { listModels, getModel } = handlers(false, false);
  const gone = expect.objectContaining({ code: "not_found" });
  expect(() => listModels(REQUEST, CALLER, "")).toThrow(gone);
  expect(() => getModel(REQUEST, CALLER, "openclaw")).toThrow(gone);
});

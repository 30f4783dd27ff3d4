import { expect, test } from "vitest";
import { ask, collect, describeRemoteModel } from "../../../test/contract/model.ts";
import { startFakeAnthropic } from "../../../test/support/fake-anthropic.ts";
import { MODEL_TIMEOUTS } from "../settings.ts";
import { createAnthropic } from "./model.ts";

describeRemoteModel("anthropic", {
  start: async (apiKey) => startFakeAnthropic({ apiKey }),
  create: createAnthropic,
  overloadedEvent: {
    type: "error",
    error: { type: "overloaded_error", message: "Overloaded" },
  },
});

test("JSON without a schema is refused before anybody is asked: the API has no such thing", async () => {
  await using server = await startFakeAnthropic();
  const model = createAnthropic({
    provider: "anthropic",
    model: "claude",
    apiKey: undefined,
    baseUrl: server.baseUrl,
    timeouts: MODEL_TIMEOUTS,
    now: () => 0,
  });
  const request = { ...ask("hi"), format: { type: "json_object" } } as const;
  expect(await collect(model, request)).toEqual([
    expect.objectContaining({ type: "failed", code: "invalid_request" }),
  ]);
  expect(server.requestCount).toBe(0);
});

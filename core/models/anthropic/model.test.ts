import { describeRemoteModel } from "../../../test/contract/model.ts";
import { startFakeAnthropic } from "../../../test/support/fake-anthropic.ts";
import { createAnthropic } from "./model.ts";

describeRemoteModel("anthropic", {
  start: async (apiKey) => startFakeAnthropic({ apiKey }),
  create: createAnthropic,
  overloadedEvent: {
    type: "error",
    error: { type: "overloaded_error", message: "Overloaded" },
  },
});

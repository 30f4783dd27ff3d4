import { describeRemoteModel } from "../../../test/contract/model.ts";
import { startFakeOpenAi } from "../../../test/support/fake-openai.ts";
import { createOpenAi } from "./model.ts";

describeRemoteModel("openai", {
  start: async (apiKey) => startFakeOpenAi({ apiKey }),
  create: createOpenAi,
  // As OpenRouter has it: the code is the HTTP status it came too late for.
  overloadedEvent: { error: { message: "Overloaded", code: 529 } },
});

import { expect, test } from "vitest";
import { issueText } from "./issues/error.ts";
import { modelIssues } from "./model-issues.ts";
import { providersOf } from "./models.ts";
import { ConfigSchema } from "./schema.ts";

const CUSTOM = { providers: { custom: { apiKey: "k" } } };

test.each<[string, object, readonly RegExp[]]>([
  ["nothing is named", {}, []],
  ["a provider that nobody uses has no address", { models: CUSTOM }, []],
  ["a vendor has no key", { agents: { defaults: { model: "openai/gpt-5" } } }, []],
  ["the demo is named", { agents: { defaults: { model: "demo/echo" } } }, []],
  [
    "a vendor is known by name",
    { agents: { defaults: { model: "ollama/q" } }, models: { providers: { ollama: {} } } },
    [],
  ],
  [
    "a provider is not there",
    { agents: { defaults: { model: "acme/brain" } } },
    [/^agents\.defaults\.model\.primary: names "acme\/brain".*models\.providers\.acme/],
  ],
  [
    "a provider has no address",
    { models: CUSTOM, agents: { defaults: { model: "custom/x" } } },
    [/^models\.providers\.custom\.baseUrl: is needed for "custom\/x"/],
  ],
  [
    "two models wait for one address",
    {
      models: CUSTOM,
      agents: { defaults: { model: { primary: "custom/x", fallbacks: ["custom/y"] } } },
    },
    [/custom\.baseUrl/],
  ],
  [
    "what is named for all is nobody's",
    {
      agents: { defaults: { model: "acme/brain" }, list: [{ id: "main", model: "openai/gpt-5" }] },
    },
    [],
  ],
  [
    "an agent of its own has a bad one",
    {
      agents: {
        list: [{ id: "main" }],
        entries: { b: { model: { primary: "openai/x", fallbacks: ["constructor/x"] } } },
      },
    },
    [/^agents\.entries\.b\.model\.fallbacks\[0\]: names "constructor\/x"/],
  ],
])("when %s, that is what is said", (_name, settings, said) => {
  const config = ConfigSchema.parse(settings);
  const issues = modelIssues(config, providersOf(config, {})).map(issueText);
  expect(issues).toEqual(said.map((one) => expect.stringMatching(one)));
});

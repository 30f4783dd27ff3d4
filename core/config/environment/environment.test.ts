import { expect, test } from "vitest";
import { addConfigBlock, EnvBlock, mergeEnvironment } from "./environment.ts";

test("the first source that sets a variable wins, and an empty one sets nothing", () => {
  const { environment } = mergeEnvironment({
    process: { A: "process", B: "", C: undefined },
    cwdFile: "A=cwd\nB=cwd\nexport C='cwd'\n# a comment\nnot a line",
    stateFile: "A=state\nB=state\nC=state\nD=state",
  });
  const block = EnvBlock.parse({
    vars: { A: "vars", D: "vars", E: "vars" },
    shellEnv: { enabled: false },
    E: "flat",
    F: "flat",
    D: "",
  });
  const all = addConfigBlock(environment, block);
  expect(all).toEqual({ A: "process", B: "cwd", C: "cwd", D: "state", E: "vars", F: "flat" });
});

test("the folder one stands in may give keys, but not say where they go or who may come in", () => {
  const merged = mergeEnvironment({
    process: { OPENCLAW_GATEWAY_TOKEN: "mine" },
    cwdFile: [
      "ANTHROPIC_API_KEY=key",
      "ANTHROPIC_BASE_URL=http://elsewhere",
      "OPENCLAW_GATEWAY_TOKEN=theirs",
      "SALLYPORT_EDGE_URL=http://elsewhere",
      "HTTPS_PROXY=http://elsewhere",
      "https_proxy=http://elsewhere",
    ].join("\n"),
    stateFile: "OPENAI_BASE_URL=http://127.0.0.1:1234/v1",
  });
  expect(merged.environment).toEqual({
    ANTHROPIC_API_KEY: "key",
    OPENAI_BASE_URL: "http://127.0.0.1:1234/v1",
    OPENCLAW_GATEWAY_TOKEN: "mine",
  });
  expect(merged.ignored.toSorted()).toEqual([
    "ANTHROPIC_BASE_URL",
    "HTTPS_PROXY",
    "SALLYPORT_EDGE_URL",
    "https_proxy",
  ]);
});

test("what is no name of a variable is dropped", () => {
  const { environment } = mergeEnvironment({
    process: { "BASH_FUNC_x%%": "() { :; }", "": "x", OK_1: "y" },
    cwdFile: undefined,
    stateFile: undefined,
  });
  expect(environment).toEqual({ OK_1: "y" });
});

import { expect, test } from "vitest";
import { agentById, agentOf, type HttpAgents } from "./agents.ts";
import { describeModel, listModels } from "./models.ts";

const SERVED = "anthropic/claude";
const MAIN = { id: "home", name: "Home", model: { id: SERVED, demo: false } };
const ADA = { id: "ada", name: undefined, model: { id: "demo/echo", demo: true } };

const AGENTS: HttpAgents = {
  main: () => MAIN,
  list: () => [MAIN, ADA],
  find: (id) => [MAIN, ADA].find((one) => one.id === id),
};

test.each([
  [SERVED, "home"],
  ["openclaw", "home"],
  ["openclaw/default", "home"],
  ["openclaw:default", "home"],
  ["openclaw/home", "home"],
  ["home", "home"],
  ["openclaw/ada", "ada"],
  ["openclaw:ada", "ada"],
  ["agent:ada", "ada"],
  ["openclaw/ADA", "ada"],
])("%s is the agent %s", (name, id) => expect(agentOf(name, AGENTS).id).toBe(id));

test.each([
  ["openclaw/nope", "Unknown agent 'nope'."],
  ["agent:nope", "Unknown agent 'nope'."],
  ["anthropic/claude-2", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
  ["gpt-4o", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
  ["openclaw/../main", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
  ["__proto__", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
])("%s is no model", (name, message) => {
  expect(() => agentOf(name, AGENTS)).toThrow(
    expect.objectContaining({ code: "model_not_found", param: "model", message }),
  );
});

test.each(["nope", "../ada", "", "a b"])("%j is no agent's id", (id) => {
  expect(() => agentById(id, AGENTS, "x-openclaw-agent-id")).toThrow(
    expect.objectContaining({ code: "invalid_request", param: "x-openclaw-agent-id" }),
  );
});

test("the list has every agent, and says which model answers", () => {
  expect(listModels(AGENTS)).toMatchObject({
    object: "list",
    data: [
      { id: "openclaw" },
      { id: "openclaw/default" },
      { id: "openclaw/home", sallyport: { agent: "home", name: "Home", model: SERVED } },
      { id: "openclaw/ada", sallyport: { agent: "ada", name: "ada", demo: true } },
    ],
  });
  expect(describeModel("agent:ada", AGENTS)).toMatchObject({ id: "agent:ada", object: "model" });
});

import { expect, test } from "vitest";
import type { Io } from "./command.ts";
import { webhooks } from "./webhooks.ts";
import { deadLetters } from "./webhooks/dead-letters.ts";
import { PAGES } from "./webhooks/help.ts";
import { list } from "./webhooks/list.ts";
import { replay } from "./webhooks/replay.ts";
import { routes } from "./webhooks/routes.ts";
import { show } from "./webhooks/show.ts";
import { tail } from "./webhooks/tail.ts";
import { testRoute } from "./webhooks/test-route.ts";

const STOPPED: Io = {
  env: {},
  cwd: "/dev/null",
  // Nothing can be made in there.
  home: "/dev/null",
  uid: undefined,
  pid: 1,
  colours: false,
  out: () => undefined,
  err: () => undefined,
  log: { write: () => undefined },
  stop: AbortSignal.abort(),
  supervised: false,
};

test.each([
  ["lst", 'webhooks has no action "lst"; did you mean list?'],
  ["dead-leters", "did you mean dead-letters?"],
  ["Replay", "did you mean replay?"],
  ["x\u001b[2J", '"x\\u001b[2J"; there is list, show, tail'],
  ["", "usage: sallyport webhooks list|show|tail|replay|dead-letters|routes|test"],
  ["--json", "usage: sallyport webhooks"],
])("the action %j is answered with what was meant", async (name, message) => {
  await expect(webhooks.run([name], STOPPED)).rejects.toThrow(message);
});

const ACTIONS = { list, show, tail, replay, "dead-letters": deadLetters, routes, test: testRoute };

test.each(Object.entries(PAGES))(
  "the page of %s names flags that it takes, on lines of 100 columns, and an example",
  async (name, { usage, summary, details = "" }) => {
    expect(webhooks.actions?.get(name)).toBeDefined();
    expect(usage).toMatch(new RegExp(`^webhooks ${name}\\b`));
    expect(details).toContain(`Example:\n\n  sallyport webhooks ${name}`);
    const lines = [`sallyport ${usage}`, summary, details].join("\n").split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    const flags = new Set(details.match(/--[a-z]+(?:-[a-z]+)*/g));
    for (const flag of flags) {
      const run = Object.entries(ACTIONS).find(([one]) => one === name)?.[1];
      // Without its value, or with nothing to do, it is refused: as one that is known.
      const refusal = await run?.([flag], STOPPED).then(String, String);
      expect(refusal).not.toContain("Unknown option");
    }
  },
);

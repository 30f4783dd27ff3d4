import { expect, test } from "vitest";
import type { Happening } from "./parts.ts";
import { watchedHub } from "./watched-hub.ts";

test("hooks hear of sessions that change, and clients are told all the same", () => {
  const told: string[] = [];
  const heard: Happening[] = [];
  const hub = watchedHub(
    { publish: (event) => void told.push(event) },
    (one) => void heard.push(one),
  );
  hub.publish("sessions.changed", {
    sessionKey: "agent:main:main",
    reason: "reset",
    sessionId: "s",
  });
  hub.publish("sessions.changed", { sessionKey: "agent:main:main", phase: "start" });
  hub.publish("tick", { ts: 1 });
  expect(told).toEqual(["sessions.changed", "sessions.changed", "tick"]);
  expect(heard).toEqual([
    {
      event: "command:reset",
      facts: { sessionKey: "agent:main:main", agentId: "", sessionId: "s" },
    },
  ]);
});

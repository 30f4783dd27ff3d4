/**
 * The failures that we know of, by number. Most have a test here, named `failure N: …`; the others
 * are shown beside the part that has to bear them, and named here so that none gets lost.
 */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const COUNT = 60;

const ELSEWHERE: readonly (readonly [number, string, string])[] = [
  [
    14,
    "test/e2e/relay.test.ts",
    "every webhook that was answered 2xx outlives a runtime that is killed",
  ],
  [17, "test/e2e/edge-tunnel.test.ts", "a core from the future is told what this edge speaks"],
  [
    24,
    "test/e2e/tunnel.test.ts",
    "a client that leaves stops the core's work, which would never end",
  ],
  [24, "test/e2e/tunnel.test.ts", "a client that leaves before the answer begins stops it too"],
  [27, "test/e2e/edge-forward.test.ts", "a body the core has compressed is not compressed again"],
  [29, "test/e2e/edge-limits.test.ts", "a URL that is too long"],
  [29, "test/e2e/edge-limits.test.ts", "many headers that are too long together"],
  [
    35,
    "test/e2e/failover.test.ts",
    "cores are replaced one after the other under load, and no caller notices",
  ],
  [
    38,
    "test/e2e/edge-tunnel.test.ts",
    "a connect request that was overheard lets nobody in a second time",
  ],
  [
    43,
    "test/e2e/edge-hooks.test.ts",
    "a missing and a wrong secret look the same, and nothing reaches the core",
  ],
  [
    50,
    "test/e2e/edge-relays.test.ts",
    "what was not sent goes to the standby, and is executed once",
  ],
  [
    50,
    "test/e2e/edge-relays.test.ts",
    "a request whose answer was lost is not executed again, with or without a body",
  ],
  [51, "edge/relay-client.test.ts", "is overloaded and retryable"],
  [
    51,
    "edge/relays/relays.test.ts",
    "a relay that is only busy is not failed over, and stays the first",
  ],
  [
    55,
    "test/e2e/edge-forward.test.ts",
    "the core sees the request as it was sent, without the credential and what was forged",
  ],
  [
    57,
    "shared/tunnel/session-limits.test.ts",
    "when the last id is used nothing more is opened, and the peer is told",
  ],
  [
    58,
    "test/e2e/edge-access.test.ts",
    "while Access is gone, clients and webhooks are served as ever",
  ],
];

test.each(ELSEWHERE)("failure %i is shown in %s", (_number, file, name) => {
  expect(readFileSync(ROOT + file, "utf8").includes(name), name).toBe(true);
});

test("every failure that we know of has a test", () => {
  const texts = globSync("test/e2e/failures/*.test.ts", { cwd: ROOT }).map((file) =>
    readFileSync(ROOT + file, "utf8"),
  );
  const here = texts.flatMap((text) =>
    [...text.matchAll(/["`]failure (\d+): /g)].map(([, number]) => Number(number)),
  );
  const covered = new Set([...here, ...ELSEWHERE.map(([number]) => number)]);
  const all = Array.from({ length: COUNT }, (_v, index) => index + 1);
  expect(all.filter((number) => !covered.has(number))).toEqual([]);
});

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { PATIENCE_MS } from "./support/patience.ts";

/** These load a core and count what its callers notice, which on a machine with other work is much. */
const ALONE = [
  "test/e2e/{config-reload,core-tunnel,failover,reattach,resume}.test.ts",
  "test/e2e/failures/{flow,path}.test.ts",
];
const bundleEdge = fileURLToPath(new URL("./support/bundle-edge.ts", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));

export default defineConfig({
  test: {
    root,
    reporters: ["default", fileURLToPath(new URL("./support/reporter.ts", import.meta.url))],
    // Made for a machine that has other work too: what succeeds does not wait for it.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: PATIENCE_MS } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          root,
          maxWorkers: "100%",
          include: [
            "{shared,edge,core,infra}/**/*.test.ts",
            "test/*.test.ts",
            "test/{bench,support}/**/*.test.ts",
          ],
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          root,
          include: ["test/e2e/**/*.test.ts"],
          exclude: ALONE,
          globalSetup: [bundleEdge],
          // A file waits for its Worker and its core for half of its time.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e-alone",
          root,
          include: ALONE,
          globalSetup: [bundleEdge],
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
    ],
  },
});

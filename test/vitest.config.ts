import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Tests of what a relay does after quiet seconds, real ones. */
const SLEEPERS = "test/e2e/*-sleep.test.ts";
const bundleEdge = fileURLToPath(new URL("./support/bundle-edge.ts", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));

export default defineConfig({
  test: {
    root,
    reporters: ["default", fileURLToPath(new URL("./support/reporter.ts", import.meta.url))],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          root,
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
          exclude: [SLEEPERS],
          globalSetup: [bundleEdge],
          // Each file runs a Worker and a core of its own: side by side they starve on two cores.
          fileParallelism: false,
          testTimeout: 60_000,
          expect: { poll: { timeout: 10_000 } },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e-sleep",
          root,
          include: [SLEEPERS],
          globalSetup: [bundleEdge],
          // They wait for relays to fall asleep, and cost nothing meanwhile.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
        },
      },
    ],
  },
});

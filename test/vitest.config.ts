import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

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
          globalSetup: [fileURLToPath(new URL("./support/bundle-edge.ts", import.meta.url))],
          // Each file runs a Worker and a core of its own: side by side they starve on two cores.
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
    ],
  },
});

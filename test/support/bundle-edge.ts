import type { TestProject } from "vitest/node";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the edge's bundle. */
    readonly edgeBundle: string;
  }
}

/** Once a run: every test runs the same bundle, made by the bundler that deploys make it with. */
export async function setup(project: TestProject): Promise<void> {
  const { path } = await bundleEdge();
  project.provide("edgeBundle", path);
}

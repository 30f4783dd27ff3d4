import * as z from "zod";
import { failureTypeOf } from "../failure.ts";
import { nobodyAt } from "../nobody.ts";
import type { Target } from "../target.ts";
import { phaseIn } from "./suspended.ts";

/** What we may do there. */
export type Capability = "none" | "connect" | "read" | "write" | "admin";

export interface Probed {
  readonly url: string;
  readonly ok: boolean;
  readonly durationMs: number;
  readonly capability: Capability;
  readonly version: string | undefined;
  /** Whether it takes work, in the protocol's words; undefined: it did not say. */
  readonly suspension: string | undefined;
  readonly health: unknown;
  readonly error: { readonly type: string; readonly message: string } | undefined;
}

const Hello = z.object({
  server: z.object({ version: z.string() }),
  auth: z.object({ scopes: z.array(z.string()) }),
});

/** Connects, asks how it is, and hangs up. Never rejects: what goes wrong is what was found. */
export async function probe(target: Target): Promise<Probed> {
  const { openGateway } = await import("../client.ts");
  const startedAt = performance.now();
  const took = (): number => Math.round(performance.now() - startedAt);
  const nothing = {
    url: target.url,
    ok: false,
    capability: "none",
    version: undefined,
    suspension: undefined,
  } as const;
  try {
    using line = await openGateway(target);
    if (line === undefined) {
      const { message } = nobodyAt(target);
      const error = { type: "gateway_transport_error", message };
      return { ...nothing, durationMs: took(), health: undefined, error };
    }
    const { server, auth } = Hello.parse(line.hello);
    const health = await line.call("health", {});
    return {
      url: target.url,
      ok: true,
      durationMs: took(),
      capability: capabilityOf(auth.scopes),
      version: server.version,
      suspension: phaseIn(line.hello),
      health,
      error: undefined,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : "unknown fault";
    const told = { type: failureTypeOf(error), message };
    return { ...nothing, durationMs: took(), health: undefined, error: told };
  }
}

function capabilityOf(scopes: readonly string[]): Capability {
  if (scopes.includes("operator.admin")) return "admin";
  if (scopes.includes("operator.write")) return "write";
  return scopes.includes("operator.read") ? "read" : "connect";
}

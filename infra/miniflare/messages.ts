import * as z from "zod";

/**
 * What the launcher and the process that hosts the local edge tell each other over IPC. The
 * secrets travel this way and not as an argument or in the environment, where any process
 * of the user could list it.
 */

/** First message to the host. */
export const StartEdge = z.strictObject({
  type: z.literal("start"),
  /** 0 means any free one. */
  port: z.int(),
  /** Folder for Durable Object storage. */
  storageDir: z.string(),
  pairing: z.string(),
  sealKey: z.string(),
});
export type StartEdge = z.output<typeof StartEdge>;

/** Asks the host to end. */
const StopEdge = z.strictObject({ type: z.literal("stop") });

export const ToEdgeHost = z.discriminatedUnion("type", [StartEdge, StopEdge]);
export type ToEdgeHost = z.output<typeof ToEdgeHost>;

/** The host's only answer. */
export const FromEdgeHost = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready"), port: z.int() }),
  z.strictObject({
    type: z.literal("failed"),
    reason: z.enum(["port_in_use", "storage_in_use", "bundle_failed", "runtime_failed"]),
    /** For people. */
    detail: z.string(),
  }),
]);
export type FromEdgeHost = z.output<typeof FromEdgeHost>;
export type EdgeFailure = Extract<FromEdgeHost, { type: "failed" }>;

import type { LifeFacts } from "./life.ts";

/** How this program came to this machine, which is how it is updated. */
export type InstallKind = "package" | "git" | "unknown";

/**
 * Whoever installs us updates us, npm, a container image or git: nothing is fetched from here, and
 * nobody is asked for a newer version. What is known is the last update that was made.
 */
export function updateStatus({ update }: LifeFacts, kind: InstallKind): object {
  const sentinel =
    update === undefined
      ? null
      : {
          kind: "update",
          status: "ok",
          ts: update.at,
          stats: { before: { version: update.from }, after: { version: update.to } },
        };
  return {
    sentinel,
    updateAvailable: null,
    effectiveChannel: "stable",
    schedule: { channel: "stable", autoEnabled: false, install: { kind } },
  };
}

import type { CallContext } from "./method.ts";

const ignore = (): void => undefined;

/** For a method that is called within its own process, by whoever may do everything there. */
export function commandLineContext(signal: AbortSignal): CallContext {
  return {
    client: {
      connection: "",
      via: "local",
      ip: "127.0.0.1",
      role: "operator",
      scopes: ["operator.admin"],
      clientId: "cli",
      mode: "cli",
      version: "",
      platform: process.platform,
      displayName: undefined,
      instanceId: undefined,
      deviceFamily: undefined,
      deviceId: undefined,
    },
    askedAt: Date.now(),
    signal,
    patience: signal,
    accept: ignore,
    subscribe: ignore,
    unsubscribe: ignore,
  };
}

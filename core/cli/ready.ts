/** What commands that go on running have in common: how they say where they are, and when to end. */
import type { Credential } from "../config/credential.ts";

/**
 * Where a credential came from, for the program that started us; never the credential itself.
 *
 * @param variable - The name under which the environment may hold it.
 */
export function sourceOf(credential: Credential, variable: string): object {
  if (credential.source === "file") return { from: "file", path: credential.file };
  return { from: credential.source, name: variable };
}

/** Resolves when `signal` aborts. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The half of a child process that talks to the bench. */
import { errorText } from "./error-text.ts";

/**
 * Says that this process is ready, answers what it is asked, and ends with its parent, however
 * that went.
 */
export function serveParent(
  ready: Readonly<Record<string, unknown>>,
  answer: (message: unknown) => Promise<unknown> = () => Promise.resolve(undefined),
): void {
  process.on("disconnect", () => process.exit());
  process.on("message", (message) => {
    answer(message).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: errorText(error) }),
    );
  });
  process.send?.({ ready });
}

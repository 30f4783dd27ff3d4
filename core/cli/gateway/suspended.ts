/** Whether a gateway takes work, as it says in its greeting. Pure. */
import * as z from "zod";

/** A gateway of the version before says nothing of it. */
const Greeting = z.object({
  snapshot: z.object({ suspension: z.object({ phase: z.string() }) }),
});

/** In the protocol's words: `accepting`, `draining`, `prepared`; undefined: it does not say. */
export function phaseIn(hello: unknown): string | undefined {
  return Greeting.safeParse(hello).data?.snapshot.suspension.phase;
}

/** For people; nothing of a gateway that takes work. */
export function suspensionLines(phase: string | undefined): string[] {
  if (phase === "draining") return ["suspended: takes no new work, and ends what it has"];
  if (phase === "prepared") return ["suspended: takes no work until sallyport gateway resume"];
  return [];
}

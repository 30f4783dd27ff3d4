import * as z from "zod";
import { jsonOrUndefined } from "../../../shared/json.ts";

/** What wrangler writes to the file it is told to report to, one JSON object a line. */
const Entry = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("deploy"),
    version_id: z.string().nullish(),
    targets: z.array(z.string()).default([]),
  }),
  z.object({
    type: z.literal("command-failed"),
    message: z.string().default(""),
    code: z.union([z.number(), z.string()]).nullish(),
  }),
]);

export interface Outcome {
  readonly versionId: string | undefined;
  /** Addresses as wrangler shows them. */
  readonly targets: readonly string[];
  /** Why it failed, in wrangler's words; undefined when it did not say. */
  readonly failure: string | undefined;
}

/** Reads the report. Pure; lines of other kinds are left out. */
export function parseOutcome(text: string): Outcome {
  let outcome: Outcome = { versionId: undefined, targets: [], failure: undefined };
  for (const line of text.split("\n")) {
    const entry = Entry.safeParse(jsonOrUndefined(line));
    if (!entry.success) continue;
    if (entry.data.type === "deploy") {
      const { version_id: versionId, targets } = entry.data;
      outcome = { ...outcome, versionId: versionId ?? undefined, targets };
    } else {
      const { message, code } = entry.data;
      const failure = code === undefined || code === null ? message : `${message} [code: ${code}]`;
      outcome = { ...outcome, failure };
    }
  }
  return outcome;
}

/** The URL people use: the custom domain, or the one at workers.dev. Undefined when there is none. */
export function publicUrl(
  { targets }: Pick<Outcome, "targets">,
  domain: string | undefined,
): string | undefined {
  if (domain !== undefined) return `https://${domain}`;
  const [first] = targets;
  if (first === undefined) return undefined;
  const [host = ""] = first.replace(/^https?:\/\//, "").split(/[\s/]/);
  return host === "" ? undefined : `https://${host}`;
}

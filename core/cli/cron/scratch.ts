import * as z from "zod";
import { type Io, parseFlags } from "../command.ts";
import { countOf, invalid } from "./flags.ts";
import { jobIdOf } from "./job.ts";
import { COMMON_OPTIONS, idOf, lineTo } from "./line.ts";

const OPTIONS = {
  ...COMMON_OPTIONS,
  set: { type: "string" },
  unset: { type: "boolean" },
  "expected-revision": { type: "string" },
} as const;

const Kept = z.looseObject({ scratch: z.looseObject({ content: z.string() }).nullable() });

/** `cron scratch` */
export async function scratch(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const wanted = idOf(positionals, "cron scratch");
  if (values.set !== undefined && values.unset === true) {
    throw invalid("--set and --unset exclude each other");
  }
  using line = await lineTo(values, io);
  const id = await jobIdOf(line, wanted);
  if (values.set === undefined && values.unset !== true) {
    const payload = await line.call("cron.scratch.get", { id });
    const { scratch: kept } = Kept.parse(payload);
    io.out(values.json === true ? JSON.stringify(payload) : (kept?.content ?? ""));
    return 0;
  }
  const revision = values["expected-revision"];
  const payload = await line.call("cron.scratch.set", {
    id,
    content: values.set ?? null,
    ...(revision !== undefined && { expectedRevision: countOf(revision, "--expected-revision") }),
  });
  io.out(JSON.stringify(payload));
  return Reflect.get(Object(payload), "ok") === true ? 0 : 1;
}

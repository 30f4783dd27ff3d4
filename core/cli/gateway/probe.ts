import { type Io, parseFlags } from "../command.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";
import { probe } from "./probing.ts";

/** What a gateway lets us do. */
export async function gatewayProbe(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, { ...TARGET_OPTIONS, json: { type: "boolean" } });
  const found = await probe(await targetOf(values, io));
  const degraded = found.ok && found.capability !== "admin" && found.capability !== "write";
  const answer = {
    ok: found.ok,
    degraded,
    capability: found.capability,
    targets: [found],
    warnings: [],
  };
  if (values.json === true) io.out(JSON.stringify(answer));
  else if (found.ok) {
    io.out(`ok: ${found.url} answers in ${found.durationMs} ms, and lets us ${found.capability}`);
  } else io.err(`sallyport: ${found.error?.message ?? "no answer"}`);
  return found.ok ? 0 : 1;
}

import * as z from "zod";
import { callGateway } from "../client.ts";
import { type Io, parseFlags } from "../command.ts";
import { atMost } from "../config/said.ts";
import { nobodyAt } from "../nobody.ts";
import { TARGET_OPTIONS, targetOf } from "../target.ts";

const Answer = z.object({ ok: z.literal(true), warningCount: z.number().default(0) });

/** `secrets reload` */
export async function reload(args: readonly string[], io: Io): Promise<number> {
  const options = { ...TARGET_OPTIONS, json: { type: "boolean" } } as const;
  const { values, positionals } = parseFlags(args, options);
  atMost(positionals, 0);
  const target = await targetOf(values, io);
  const answer = await callGateway(target, "secrets.reload", {});
  if (answer === undefined) throw nobodyAt(target);
  const { warningCount } = Answer.parse(answer.payload);
  if (values.json === true) io.out(JSON.stringify({ ok: true, warningCount }));
  else if (warningCount === 0) io.out("Secrets reloaded.");
  else io.out(`Secrets reloaded, but ${warningCount} cannot be read: sallyport secrets audit`);
  return 0;
}

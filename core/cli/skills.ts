import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, parseFlags } from "./command.ts";
import { answering, deskOf } from "./manage.ts";
import { printable } from "./printable.ts";
import { TARGET_OPTIONS } from "./target.ts";

const Status = z.object({
  skills: z.array(
    z.looseObject({
      name: z.string(),
      description: z.string(),
      eligible: z.boolean(),
      missing: z.record(z.string(), z.array(z.string())),
    }),
  ),
});

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  agent: { type: "string" },
  eligible: { type: "boolean" },
} as const;

export const skills: Command = {
  usage: "skills list [--agent ID] [--eligible] [--json]",
  summary: "Show the skills of an agent, and what is missing for them",

  run(args, io) {
    return answering(args, io, async () => {
      const { values, positionals } = parseFlags(args, OPTIONS);
      const [action = "list", ...rest] = positionals;
      if (!["list", "check"].includes(action) || rest.length > 0) {
        throw new GatewayError("invalid_request", `usage: sallyport ${skills.usage}`);
      }
      const desk = await deskOf(values, io);
      const wanted = values.agent === undefined ? {} : { agentId: values.agent };
      const answer = Status.loose().parse(await desk.call("skills.status", wanted));
      const shown = answer.skills.filter(({ eligible }) => eligible || values.eligible !== true);
      if (values.json === true) io.out(JSON.stringify({ ...answer, skills: shown }));
      else if (shown.length === 0) io.out("no skills");
      else {
        for (const { name, description, eligible, missing } of shown) {
          const lacks = Object.values(missing).flat().join(", ");
          const state = eligible ? "" : ` (needs ${printable(lacks, 200)})`;
          io.out(`${printable(name)}${state}: ${printable(description, 100)}`);
        }
      }
      return 0;
    });
  },
};

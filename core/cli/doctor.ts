import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { Secret } from "../../shared/secret.ts";
import { describe, summarize } from "../doctor/finding.ts";
import { readVersion } from "../gateway/version.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { TARGET_OPTIONS } from "./target.ts";

/** For each step; there are a dozen that ask somebody. */
const DEFAULT_TIMEOUT_MS = 5_000;

const HttpUrl = z.url({ protocol: /^https?$/ });
const Flags = z.object({
  url: HttpUrl.optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  token: z.string().min(1).optional(),
  edge: HttpUrl.optional(),
  timeout: z.coerce.number().int().min(1).max(600_000).default(DEFAULT_TIMEOUT_MS),
});

export const doctor: Command = {
  usage: "doctor [--json] [--edge URL] [--deep] [--timeout MS] [--url URL] [--port N] [--token T]",
  summary:
    "Say which layer fails, from the config to the public address; exits 1 when one does. " +
    "--deep also asks the model, which may cost money",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, {
      ...TARGET_OPTIONS,
      edge: { type: "string" },
      deep: { type: "boolean" },
      json: { type: "boolean" },
    });
    const parsed = Flags.safeParse(values);
    if (!parsed.success || positionals.length > 0) {
      const name = parsed.error?.issues[0]?.path.join(".");
      const what = name === undefined ? "doctor takes flags alone" : `--${name} makes no sense`;
      throw new GatewayError("invalid_request", `${what}; try --help`);
    }
    const json = values.json === true;
    const report = await reportOf(parsed.data, values.deep === true, json, io);
    if (json) io.out(JSON.stringify(report.findings));
    else io.out(summarize(report.findings));
    return report.isWell ? 0 : 1;
  },
};

async function reportOf(
  { url, port, token, edge, timeout }: z.output<typeof Flags>,
  deep: boolean,
  json: boolean,
  io: Io,
) {
  const [{ examine }, { Report }, { callGateway }] = await Promise.all([
    import("../doctor/examine.ts"),
    import("../doctor/report.ts"),
    import("./client.ts"),
  ]);
  // People watch it go from layer to layer; programs want it whole.
  const report = new Report(json ? () => undefined : (finding) => io.out(describe(finding)));
  const { env, cwd, home, uid } = io;
  await examine(
    {
      surroundings: { env, cwd, home, uid, flags: {} },
      url,
      port,
      token: token === undefined ? undefined : new Secret(token),
      edge: edge === undefined ? undefined : new URL(edge),
      timeoutMs: timeout,
      deep,
      version: readVersion(),
      call: callGateway,
      now: Date.now,
    },
    report,
  );
  return report;
}

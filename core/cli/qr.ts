import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { printable } from "./printable.ts";
import { type Call, callerOf } from "./store-desk.ts";
import { TARGET_OPTIONS } from "./target.ts";

/** What a code is to give, and how it is shown. */
export const SETUP_OPTIONS = {
  "public-url": { type: "string" },
  remote: { type: "boolean" },
  limited: { type: "boolean" },
  node: { type: "boolean" },
  "setup-code-only": { type: "boolean" },
  "no-ascii": { type: "boolean" },
} as const;

const { url: _gateway, ...CREDENTIALS } = TARGET_OPTIONS;
const OPTIONS = {
  ...CREDENTIALS,
  ...SETUP_OPTIONS,
  url: { type: "string" },
  json: { type: "boolean" },
} as const;

const MAX_URL_UNITS = 2_048;

const Made = z.object({
  setupId: z.string(),
  /** Safe to print whole: nothing in it moves a cursor. */
  setupCode: z.string().regex(/^[\w-]{1,8192}$/),
  gatewayUrl: z.string(),
  urlSource: z.string(),
  access: z.string(),
  accessDowngraded: z.boolean().default(false),
  expiresAtMs: z.number(),
});
type Made = z.output<typeof Made>;

export interface SetupFlags {
  readonly "public-url"?: string | undefined;
  readonly remote?: boolean | undefined;
  readonly limited?: boolean | undefined;
  readonly node?: boolean | undefined;
  readonly "setup-code-only"?: boolean | undefined;
  readonly "no-ascii"?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export const qr: Command = {
  usage: "qr [--limited | --node] [--url wss://…] [--setup-code-only] [--json]",
  summary: "Show a code by which one new device is let in: a phone reads it",
  details: `It is good for one device and ten minutes. Whoever has it is let in: show it to nobody else.
  --limited           the device is no administrator
  --node              the device is a node and nothing else
  --url, --public-url how the device reaches this gateway; default: the edge, or what the config says
  --remote            gateway.remote.url is how
  --setup-code-only   the code as text alone, to be pasted
  --no-ascii          no picture
The code is made by the gateway of this machine, or by the one that OPENCLAW_GATEWAY_URL or
gateway.remote names. sallyport devices setup-code --revoke takes back all that were made and not used.`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    if (positionals.length > 0) {
      throw new GatewayError("invalid_request", `usage: sallyport ${qr.usage}; try --help`);
    }
    // Here it says how the device gets to us, not how we do.
    const { url, ...flags } = values;
    const publicUrl = values["public-url"] ?? url;
    const { port, token, password, timeout } = flags;
    const call = await callerOf({ port, token, password, timeout }, io);
    await showSetupCode(call, { ...flags, "public-url": publicUrl }, io);
    return 0;
  },
};

/** Makes a code and prints it. @throws GatewayError */
export async function showSetupCode(call: Call, flags: SetupFlags, io: Io): Promise<void> {
  if (flags.limited === true && flags.node === true) {
    throw new GatewayError("invalid_request", "--limited and --node: one of them");
  }
  const profile = flags.node === true ? "node" : "limited";
  const isLess = flags.limited === true || flags.node === true;
  const publicUrl = flags["public-url"];
  const payload = await call("device.pair.setupCode", {
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(flags.remote === true ? { preferRemoteUrl: true } : {}),
    ...(isLess ? { bootstrapProfile: profile } : {}),
  });
  if (flags.json === true) return io.out(JSON.stringify(payload));
  const made = Made.parse(payload);
  if (flags["setup-code-only"] === true) return io.out(made.setupCode);
  if (flags["no-ascii"] !== true) io.out(await picture(made.setupCode));
  for (const line of linesOf(made)) io.out(line);
}

/** Loaded by those who want to see one. */
async function picture(text: string): Promise<string> {
  const [{ qrMatrix }, { qrText }] = await Promise.all([
    import("../devices/qr/matrix.ts"),
    import("../devices/qr/terminal.ts"),
  ]);
  return qrText(qrMatrix(text));
}

function linesOf(made: Made): string[] {
  const { setupCode, gatewayUrl, urlSource, access, accessDowngraded, expiresAtMs } = made;
  const why = accessDowngraded ? " (without TLS nobody becomes an administrator by it)" : "";
  return [
    `code     ${setupCode}`,
    `gateway  ${printable(gatewayUrl, MAX_URL_UNITS)}  from ${printable(urlSource)}`,
    `access   ${printable(access)}${why}`,
    `until    ${new Date(expiresAtMs).toISOString()}, for one device`,
  ];
}

import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Settings } from "../../config/settings.ts";
import { judgeSessions } from "../verdicts/sessions.ts";
import type { Examination } from "./examination.ts";
import type { GatewayFacts } from "./examine-gateway.ts";
import type { Report } from "../report.ts";

const CHECK = "channel.sessions";

const Paired = z.object({ approved: z.array(z.object({ sender: z.string() })) });

/** Who is paired, nobody knows but the gateway: it alone has the state. */
export async function examineSessions(
  examination: Examination,
  settings: Settings | undefined,
  gateway: GatewayFacts | undefined,
  report: Report,
): Promise<void> {
  if (settings === undefined) {
    report.skip([CHECK], "the settings are not known");
    return;
  }
  const verdict = judgeSessions(settings, await pairedAt(gateway, examination));
  if (typeof verdict === "string") report.skip([CHECK], verdict);
  else report.add(CHECK, verdict);
}

/** Undefined: it does not tell, or none lets us in. */
async function pairedAt(
  gateway: GatewayFacts | undefined,
  { call, timeoutMs }: Examination,
): Promise<readonly string[] | undefined> {
  if (gateway?.token === undefined) return undefined;
  const { url, token } = gateway;
  const target = { url: url.origin, token, timeoutMs };
  try {
    const answer = await call(target, "pairing.list", { channel: "telegram" });
    const paired = Paired.safeParse(answer?.payload);
    return paired.data?.approved.map(({ sender }) => sender);
  } catch (error) {
    // One that stands by has no such method before it leads.
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

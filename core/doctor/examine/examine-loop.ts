/** The whole way: from here to the public address, through the edge to this core, and back. */
import { GatewayError } from "../../../shared/errors.ts";
import type { EdgeSubject } from "./edge-subject.ts";
import { judgeHops, judgeReflection, type Reflection } from "../verdicts/loop.ts";
import { bearer } from "../probes/gateway.ts";
import { send } from "../probes/http.ts";
import { reasonOf } from "../probes/reason.ts";
import { TunnelStatus } from "../verdicts/relays.ts";
import { type Report, timed } from "../report.ts";

export const LOOP_CHECKS = ["loop.core", "loop.hops"] as const;

export async function examineLoop(subject: EdgeSubject, report: Report): Promise<void> {
  const { url, token, gateway, timeoutMs, openWay } = subject;
  if (token === undefined) {
    report.skip(["loop.core", "loop.hops"], "there is no token that may be shown to this edge");
  } else {
    const local = gateway?.tunnel;
    if (local === undefined) {
      report.skip(["loop.core"], "no gateway here tells who it is");
    } else {
      const { value: reflection, ms } = await timed(() => reflect(subject));
      report.add("loop.core", judgeReflection(local, reflection), ms);
    }
    const request = {
      url: new URL("/v1/models", url),
      method: "GET",
      headers: bearer(token),
    } as const;
    const way = await openWay();
    const { value: outcome, ms } = await timed(() => send(request, way, timeoutMs));
    report.add("loop.hops", judgeHops(outcome, ms));
  }
}

/** Who answers RPC at the public address. */
async function reflect({ url, token, timeoutMs, openWay, call }: EdgeSubject): Promise<Reflection> {
  const way = await openWay();
  const headers = { ...way.headers, ...bearer(token) };
  const socket = { agent: way.agent, headers, ...way.tls };
  const rpc = { url: url.origin, token, timeoutMs, socket };
  try {
    const answer = await call(rpc, "tunnel.status", { ask: false });
    const status = TunnelStatus.safeParse(answer?.payload);
    if (status.data?.configured === true) return { result: "answered", status: status.data };
    return { result: "failed", reason: "what answers does not know tunnel.status" };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { message, cause } = error;
    const why = cause === undefined ? "" : ` (${reasonOf(cause)})`;
    return { result: "failed", reason: `${message}${why}` };
  } finally {
    way.cut();
  }
}

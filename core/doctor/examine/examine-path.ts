/** The way to the edge, step by step, each on top of the one before. */
import { GatewayError } from "../../../shared/errors.ts";
import { type Handshake, judgeCertificate, judgeIssuer } from "../verdicts/certificate.ts";
import { judgeAddress, judgeProxy, portOf } from "../verdicts/edge-address.ts";
import { judgeEdge } from "../verdicts/edge-answer.ts";
import type { EdgeSubject } from "./edge-subject.ts";
import { type CheckId, failed } from "../verdicts/finding.ts";
import { judgeAddresses, judgeConnect, judgeLookup } from "../verdicts/network.ts";
import { send } from "../probes/http.ts";
import { bare, isAddress, knock, lookUp, open, passProxy } from "../probes/network.ts";
import { shakeHands } from "../probes/tls.ts";
import { type Report, timed } from "../report.ts";

interface Step {
  readonly ids: readonly CheckId[];
  readonly run: (subject: EdgeSubject, report: Report) => Promise<void>;
}

const STEPS: readonly Step[] = [
  { ids: ["edge.url"], run: examineAddress },
  { ids: ["proxy.setting", "proxy.connect"], run: examineProxy },
  { ids: ["dns.lookup", "tcp.connect"], run: examineNetwork },
  { ids: ["tls.certificate", "tls.issuer"], run: examineTls },
  { ids: ["http.edge"], run: examineEdge },
];

/** @returns What is in the way, as a reason to skip what comes after; undefined: an edge answers. */
export async function examinePath(
  subject: EdgeSubject,
  report: Report,
): Promise<string | undefined> {
  let obstacle: string | undefined;
  for (const { ids, run } of STEPS) {
    if (obstacle !== undefined) report.skip(ids, obstacle);
    else {
      await guarded(ids, () => run(subject, report), report);
      const culprit = report.findings.find(
        ({ id, status }) => ids.includes(id) && status === "failed",
      );
      if (culprit !== undefined) obstacle = `${culprit.id} failed`;
    }
  }
  return obstacle;
}

/** A client certificate that cannot be read is found out about on the way. */
async function guarded(
  ids: readonly CheckId[],
  run: () => Promise<void>,
  report: Report,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const [first, ...rest] = ids.filter((id) => !report.findings.some((found) => found.id === id));
    if (first === undefined) return;
    report.add(first, failed(error.message, "correct sallyport.edge.tls"));
    report.skip(rest, `${first} failed`);
  }
}

async function examineAddress(subject: EdgeSubject, report: Report): Promise<void> {
  report.add("edge.url", judgeAddress(subject));
}

async function examineProxy(subject: EdgeSubject, report: Report): Promise<void> {
  const { url, proxy, timeoutMs, wayFrom } = subject;
  const { proxy: setting, environment: variables = {} } = wayFrom;
  report.add("proxy.setting", judgeProxy({ url, proxy, setting, variables }));
  if (proxy === undefined) {
    report.skip(["proxy.connect"], "there is no proxy");
    return;
  }
  const target = targetOf(url);
  const { value: passage, ms } = await timed(() => passProxy(proxy, target, timeoutMs));
  if (passage.result === "open") passage.socket.destroy();
  report.add("proxy.connect", judgeConnect(proxy.host, target, passage), ms);
}

async function examineNetwork(
  { url, proxy, timeoutMs }: EdgeSubject,
  report: Report,
): Promise<void> {
  const { hostname } = url;
  if (proxy !== undefined) {
    report.skip(["dns.lookup", "tcp.connect"], "the proxy looks the name up and connects");
    return;
  }
  let addresses = [bare(hostname)];
  if (isAddress(hostname)) report.skip(["dns.lookup"], "it is an address");
  else {
    const { value: answer, ms } = await timed(() => lookUp(hostname, timeoutMs));
    const verdict = report.add("dns.lookup", judgeLookup(hostname, answer, ms), ms);
    if (verdict.status === "failed" || answer.result === "failed") {
      report.skip(["tcp.connect"], "dns.lookup failed");
      return;
    }
    addresses = [...answer.addresses];
  }
  const port = portOf(url);
  const { value: answers, ms } = await timed(() => knock(addresses, port, timeoutMs));
  report.add("tcp.connect", judgeAddresses(port, answers), ms);
}

async function examineTls(subject: EdgeSubject, report: Report): Promise<void> {
  const { url, now } = subject;
  if (url.protocol !== "https:") {
    report.skip(["tls.certificate", "tls.issuer"], "the edge is on this machine, without TLS");
    return;
  }
  const { value: handshake, ms } = await timed(() => handshakeWith(subject));
  report.add("tls.certificate", judgeCertificate(bare(url.hostname), handshake, now()), ms);
  if (handshake.result === "done") report.add("tls.issuer", judgeIssuer(handshake.certificate));
  else report.skip(["tls.issuer"], "tls.certificate failed");
}

async function handshakeWith({ url, proxy, timeoutMs, openWay }: EdgeSubject): Promise<Handshake> {
  const { tls } = await openWay();
  const { hostname } = url;
  const port = portOf(url);
  const passage =
    proxy === undefined
      ? await open(bare(hostname), port, timeoutMs)
      : await passProxy(proxy, targetOf(url), timeoutMs);
  if (passage.result === "open") return shakeHands(passage.socket, hostname, tls, timeoutMs);
  const reason = passage.result === "refused" ? `proxy: ${passage.status}` : passage.reason;
  return { result: "failed", reason };
}

async function examineEdge(subject: EdgeSubject, report: Report): Promise<void> {
  const { url, timeoutMs, version, openWay } = subject;
  const way = await openWay();
  const request = { url: new URL("/health", url), method: "GET" } as const;
  const { value: outcome, ms } = await timed(() => send(request, way, timeoutMs));
  report.add("http.edge", judgeEdge(url, outcome, version), ms);
}

function targetOf(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

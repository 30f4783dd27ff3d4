/** What a check can say. Pure. */

/** Every check, from the inside out, and the layer it belongs to. The order is that of the report. */
export const CHECKS = {
  "config.file": "config",
  "config.variables": "config",
  "config.secrets": "config",
  "config.backups": "config",
  "state.folder": "state",
  "state.modes": "state",
  "state.space": "state",
  "state.lock": "state",
  "state.drafts": "state",
  "state.foreign": "state",
  "state.logs": "state",
  "gateway.auth": "gateway",
  "gateway.health": "gateway",
  "gateway.port": "gateway",
  "gateway.token": "gateway",
  "gateway.version": "gateway",
  "gateway.role": "gateway",
  "service.unit": "service",
  "model.key": "model",
  "model.answer": "model",
  "channel.telegram": "channel",
  "channel.sessions": "channel",
  "edge.url": "edge",
  "proxy.setting": "proxy",
  "proxy.connect": "proxy",
  "dns.lookup": "dns",
  "tcp.connect": "tcp",
  "tls.certificate": "tls",
  "tls.issuer": "tls",
  "http.edge": "http",
  "websocket.upgrade": "websocket",
  "clock.skew": "clock",
  "identity.key": "identity",
  "identity.pin": "identity",
  "relay.connected": "relay",
  "relay.leader": "relay",
  "relay.place": "relay",
  "relay.distance": "relay",
  "relay.spool": "relay",
  "loop.core": "loop",
  "loop.hops": "loop",
  "webhook.routes": "webhook",
  "webhook.published": "webhook",
  "webhook.guard": "webhook",
  "webhook.waiting": "webhook",
  "webhook.dead": "webhook",
} as const;

export type CheckId = keyof typeof CHECKS;

/** What a check found. What is not well comes with what to do about it. */
export type Verdict =
  | { readonly status: "ok"; readonly detail: string }
  | { readonly status: "warning" | "failed"; readonly detail: string; readonly fix: string };

export interface Finding {
  readonly id: CheckId;
  readonly layer: (typeof CHECKS)[CheckId];
  readonly status: Verdict["status"] | "skipped";
  /** What was measured, or why nothing was. */
  readonly detail: string;
  /** What to do; null when there is nothing to be done. */
  readonly fix: string | null;
  /** How long the check took; null for one that asks nobody. */
  readonly ms: number | null;
}

export function ok(detail: string): Verdict {
  return { status: "ok", detail };
}

export function warning(detail: string, fix: string): Verdict {
  return { status: "warning", detail, fix };
}

export function failed(detail: string, fix: string): Verdict {
  return { status: "failed", detail, fix };
}

/** Long enough for every path and reason, short enough for a hostile peer's. */
const MAX_LINE = 1_000;

/** Words of a peer or of a disk, as one bounded line. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the control characters are the point
  return text.slice(0, MAX_LINE).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

const WIDEST_STATUS = "warning".length;
const WIDEST_ID = Math.max(...Object.keys(CHECKS).map((id) => id.length));

/** A finding as one line for people. */
export function describe({ id, status, detail, fix, ms }: Finding): string {
  const time = ms === null ? "" : ` (${ms} ms)`;
  const remedy = fix === null ? "" : ` → ${fix}`;
  const reason = status === "skipped" ? "because " : "";
  return `${status.padEnd(WIDEST_STATUS)}  ${id.padEnd(WIDEST_ID)}  ${reason}${detail}${time}${remedy}`;
}

/** The last line: how many of which. */
export function summarize(findings: readonly Finding[]): string {
  const count = (status: Finding["status"]): number =>
    findings.filter((finding) => finding.status === status).length;
  const warnings = count("warning") === 1 ? "1 warning" : `${count("warning")} warnings`;
  return `${count("ok")} ok, ${warnings}, ${count("failed")} failed, ${count("skipped")} skipped`;
}

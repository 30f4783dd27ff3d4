/** Rows of the log as the methods answer them. Pure. */
import type {
  WebhookDetail,
  WebhookItemRow,
  WebhookReply,
  WebhookRow,
} from "../../store/webhook.ts";
import type { Said, Step, WebhookDetails, WebhookEntry } from "./answers.ts";
import { type EdgeDetails, entryOf } from "./spool.ts";
import { redacted } from "../senders/redact.ts";

/** Events and replies of one webhook that are told one by one. */
const MAX_STEPS = 100;

export function entryOfRow(row: WebhookRow): WebhookEntry {
  const { id, seq, route, state, scheme, requestId, receivedAt, acceptedAt } = row;
  return {
    id,
    seq,
    route,
    state,
    verified: scheme === "" ? null : scheme,
    requestId,
    receivedAt,
    acceptedAt,
    size: row.size,
    items: row.items,
    duplicates: row.duplicates,
    replayOf: row.replayOf ?? null,
    reason: row.reason ?? null,
  };
}

/**
 * @param head - The first bytes of its body.
 * @param said - What the agent said to it.
 */
export function detailsOf(
  row: WebhookDetail,
  head: Uint8Array,
  said: readonly Said[],
): WebhookDetails {
  const { method, query, lanes, headers, answer } = row;
  return {
    ...entryOfRow(row),
    method,
    query,
    lanes: [...lanes],
    headers: headers.map(([name, value]) => [name, value]),
    body: { ...previewOf(head), truncated: head.byteLength < row.size },
    answer:
      answer === undefined
        ? null
        : { status: answer.status, preview: previewOf(answer.body).preview },
    said: [...said],
    replays: [...row.replays],
    timeline: timelineOf(row),
  };
}

/** What only the edge knows of. */
export function detailsAtEdge(item: EdgeDetails): WebhookDetails {
  const bytes = redacted(item.verified ?? "", Uint8Array.from(Buffer.from(item.body, "base64")));
  const verified = item.verified === "" || item.verified === undefined ? null : item.verified;
  const tries = item.attempts === 0 ? "not sent to a core yet" : `${item.attempts} tries`;
  const why = item.reason === "" || item.reason === undefined ? "" : `: ${item.reason}`;
  return {
    ...entryOf(item),
    method: "POST",
    query: "",
    lanes: item.lanes,
    headers: item.headers,
    body: { ...previewOf(bytes), truncated: item.truncated },
    answer: null,
    said: [],
    replays: [],
    timeline: [
      {
        at: item.receivedAt,
        what: "received",
        text: `received at the edge${verified === null ? "" : `, verified as ${verified}`}`,
      },
      {
        at: item.receivedAt,
        what: "ended",
        text: `${item.state === "dead" ? "given up" : "waits"} at ${item.relay}, ${tries}${why}`,
      },
    ],
  };
}

/** Text as text. Half a character at the cut does not make it something else. */
function previewOf(bytes: Uint8Array): Pick<WebhookDetails["body"], "preview" | "encoding"> {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
  return /[\uFFFD\0]/.test(text)
    ? { preview: Buffer.from(bytes).toString("base64"), encoding: "base64" }
    : { preview: text, encoding: "utf8" };
}

/** From the edge to the reply. */
export function timelineOf(row: WebhookDetail): Step[] {
  const { receivedAt, acceptedAt, scheme, verifiedBy, secret, attempts } = row;
  const how = verifiedBy === "edge" ? `by the edge as ${scheme}` : `here as ${scheme}`;
  const old = secret === 0 ? "" : `, with secret number ${secret + 1}`;
  const late = attempts === 0 ? "" : ` at try ${attempts + 1}`;
  const steps: Step[] = [
    { at: receivedAt, what: "received", text: `received${row.ip === "" ? "" : ` from ${row.ip}`}` },
    { at: acceptedAt, what: "accepted", text: `accepted${late}, verified ${how}${old}` },
    ...row.work.slice(0, MAX_STEPS).flatMap((item) => workSteps(item, row.work.length > 1)),
    ...row.replies.slice(0, MAX_STEPS).map((reply) => replyStep(reply, row)),
  ];
  // What has no time of its own comes last: it is not over.
  return steps.toSorted((a, b) => a.at - b.at);
}

function workSteps(item: WebhookItemRow, isOneOfMany: boolean): Step[] {
  const { id, source, lane, state, attempt, reason, startedAt, endedAt, sessionKey } = item;
  const name = isOneOfMany ? `${id}: ` : "";
  const session = sessionKey === undefined ? "" : ` in session ${sessionKey}`;
  const again = attempt > 1 ? ` at try ${attempt}` : "";
  const why = reason === undefined ? "" : `: ${reason}`;
  const steps: Step[] = [];
  if (startedAt !== undefined) {
    const text = `${name}${source} began${again} on lane ${lane}${session}`;
    steps.push({ at: startedAt, what: "began", text });
  }
  if (endedAt !== undefined)
    steps.push({ at: endedAt, what: "ended", text: `${name}${state}${why}` });
  return steps;
}

function replyStep(reply: WebhookReply, { endedAt, acceptedAt }: WebhookDetail): Step {
  const { state, channel, conversation, platformId, reason } = reply;
  const to = channel.startsWith("sender:") ? "its sender" : `${channel} ${conversation}`;
  const as = platformId === undefined || platformId === "" ? "" : ` as ${platformId}`;
  const why = reason === undefined ? "" : `: ${reason}`;
  return {
    at: reply.endedAt ?? endedAt ?? acceptedAt,
    what: "replied",
    text: `reply to ${to} ${state}${as}${why}`,
  };
}

import { GatewayError } from "../../../shared/errors.ts";
import { WebhookDetails } from "../../webhooks/methods/answers.ts";
import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { bodyOf } from "./body.ts";
import { COMMON_OPTIONS, lineTo } from "./gateway.ts";
import { paint, timeText } from "./table.ts";

const OPTIONS = { ...COMMON_OPTIONS, body: { type: "boolean" } } as const;

/** A header or a line of a body; longer ones are for `--json` and `--body`. */
const MAX_LINE = 500;
/** Of what the agent said: enough to know it by. */
const SAID_UNITS = 300;
/** Events whose answers are shown. */
const MAX_SAID = 10;

/** `webhooks show` */
export async function show(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const [id, ...rest] = positionals;
  if (id === undefined || rest.length > 0) {
    throw new GatewayError(
      "invalid_request",
      "usage: sallyport webhooks show ID [--body] [--json]",
    );
  }
  using line = await lineTo(values, io);
  if (values.body === true) {
    // Text as it is, for whoever pipes it on: no terminal is asked whether it likes it.
    const bytes = await bodyOf(line, id, "shown");
    io.out(
      values.json === true ? JSON.stringify({ data: bytes.toString("base64") }) : String(bytes),
    );
    return 0;
  }
  const payload = await line.call("webhooks.show", { id });
  if (values.json === true) io.out(JSON.stringify(payload));
  else for (const text of describe(WebhookDetails.parse(payload), io)) io.out(text);
  return 0;
}

/** One webhook in full, line by line. */
export function describe(webhook: WebhookDetails, io: Pick<Io, "colours">): string[] {
  const title = (text: string): string => paint(text, "bold", io);
  return [
    ...facts(webhook).map(
      ([name, text]) => `${title(`${name}:`.padEnd(10))} ${printable(text, MAX_LINE)}`,
    ),
    "",
    title("timeline"),
    ...timelineText(webhook),
    ...answeredText(webhook).map((line) => `  ${line}`),
    "",
    title("headers"),
    ...webhook.headers.map(([name, value]) => `  ${printable(`${name}: ${value}`, MAX_LINE)}`),
    "",
    title(`body, ${webhook.size} bytes`),
    ...bodyText(webhook),
  ];
}

function facts(webhook: WebhookDetails): [string, string][] {
  const { id, route, method, query, state, reason, verified, requestId, lanes } = webhook;
  return [
    ["id", id],
    ["route", `${method} ${route}${query}`],
    ["state", reason === null || reason === "" ? state : `${state}: ${reason}`],
    ["verified", verified ?? "not yet"],
    ["trace", requestId],
    ["lane", lanes.slice(0, 8).join(", ")],
    ...(webhook.replayOf === null
      ? []
      : ([["replay of", webhook.replayOf]] satisfies [string, string][])),
    ...(webhook.duplicates === 0
      ? []
      : ([["came", `${webhook.duplicates + 1} times`]] satisfies [string, string][])),
  ];
}

function timelineText({ timeline }: WebhookDetails): string[] {
  const [first] = timeline;
  return timeline.map(({ at, text }) => {
    const after = at === first?.at ? "" : `  +${at - (first?.at ?? at)} ms`;
    return `  ${timeText(at)}  ${printable(text, MAX_LINE)}${after}`;
  });
}

/** What the agent said, a line for each event. It may have repeated what strangers wrote. */
export function answeredText({ said }: Pick<WebhookDetails, "said">): string[] {
  return said.slice(0, MAX_SAID).map(({ id, text, truncated }) => {
    const name = said.length > 1 ? ` ${printable(id, MAX_LINE)}` : "";
    const line = text.replaceAll(/\s+/g, " ").trim();
    const more = truncated || line.length > SAID_UNITS ? " …" : "";
    return `answered${name}: ${printable(line, SAID_UNITS)}${more}`;
  });
}

function bodyText({ body }: WebhookDetails): string[] {
  const lines = body.preview.split("\n").map((line) => `  ${printable(line, MAX_LINE)}`);
  const kind = body.encoding === "base64" ? ["  (base64: it is no text)"] : [];
  return [...kind, ...lines, ...(body.truncated ? ["  … (--body prints all of it)"] : [])];
}

import { GatewayError } from "../../../shared/errors.ts";
import { Tested, WebhookDetails } from "../../webhooks/methods/answers.ts";
import type { GatewayLine } from "../client.ts";
import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { COMMON_OPTIONS, lineTo } from "./gateway.ts";
import { answeredText } from "./show.ts";
import { paint } from "./table.ts";

const OPTIONS = {
  ...COMMON_OPTIONS,
  event: { type: "string" },
  wait: { type: "boolean" },
} as const;

/** How long the gateway keeps one question before it answers what it knows. */
const POLL_MS = 20_000;
/** The sample goes to the edge and comes back through the tunnel within this time, or not at all. */
const ARRIVAL_MS = 5_000;

/** `webhooks test`: exits 1 when the sample was refused, or its work was given up. */
export async function testRoute(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const [route, ...rest] = positionals;
  if (route === undefined || rest.length > 0) {
    throw new GatewayError(
      "invalid_request",
      "usage: sallyport webhooks test ROUTE [--event NAME] [--wait]",
    );
  }
  const { event, wait = false, json = false } = values;
  using line = await lineTo(values, io);
  const asked = { route, ...(event === undefined ? {} : { event }), waitMs: ARRIVAL_MS };
  const tested = Tested.parse(await line.call("webhooks.test", asked, 2 * POLL_MS));
  const result = wait ? await ended(line, tested, io) : tested;
  if (json) io.out(JSON.stringify(result));
  else for (const text of describe(result, io)) io.out(text);
  return isWell(result) ? 0 : 1;
}

function isWell({ status, webhook }: Tested): boolean {
  return status >= 200 && status < 300 && webhook?.state !== "dead";
}

async function ended(line: GatewayLine, tested: Tested, io: Io): Promise<Tested> {
  let { webhook } = tested;
  while (webhook !== null && isOpen(webhook) && !io.stop.aborted) {
    const asked = { id: webhook.id, waitMs: POLL_MS };
    webhook = WebhookDetails.parse(await line.call("webhooks.show", asked, 2 * POLL_MS));
  }
  return { ...tested, webhook };
}

function isOpen({ state }: WebhookDetails): boolean {
  return state === "waiting" || state === "running";
}

function describe(tested: Tested, io: Io): string[] {
  const { url, event, status, answer, requestId } = tested;
  const colour = status < 300 ? "green" : "red";
  const said = answer === "" ? "" : ` ${printable(answer, 300)}`;
  return [
    `POST ${url} (${printable(event)})`,
    `  ${paint(String(status), colour, io)}${said}`,
    `  trace ${printable(requestId, 128)}`,
    ...fateText(tested),
  ];
}

function fateText({ status, isHandshake, webhook }: Tested): string[] {
  if (status >= 300) return ["  refused: nothing was set off"];
  if (isHandshake) return ["  answered at the door: it tests the address, and sets nothing off"];
  if (webhook === null) {
    return ["  not here yet: `webhooks list --state spooled` shows what waits at the edge"];
  }
  const { id, state, reason, timeline } = webhook;
  const why = reason === null ? "" : `: ${printable(reason, 300)}`;
  return [
    `  ${printable(id, 300)}: ${state}${why}`,
    ...timeline.map(({ text }) => `    ${printable(text, 300)}`),
    ...answeredText(webhook).map((line) => `    ${line}`),
  ];
}

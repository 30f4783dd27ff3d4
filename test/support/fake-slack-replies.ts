/**
 * The part of Slack that a `response_url` leads to.
 *
 * Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text as textOf } from "node:stream/consumers";
import * as z from "zod";
import { listening } from "./http-upstream.ts";

/** How the next call goes wrong. `accept_then_hang_up`: it is shown, and only the answer is lost. */
export type SlackFault =
  | "rate_limited_2s"
  | "broken"
  | "hang_up"
  | "accept_then_hang_up"
  | "redirect"
  | "expired"
  | "forbidden"
  | "not_ok";

const Reply = z.strictObject({
  text: z.string().min(1).max(40_000),
  response_type: z.literal("ephemeral"),
  replace_original: z.literal(false),
});

/** Works five times for each address. */
const MAX_USES = 5;

export interface FakeSlackReplies extends AsyncDisposable {
  readonly origin: string;
  /** A new address. */
  responseUrl(): string;
  /** What the user sees, in order. */
  readonly shown: readonly string[];
  /** Requests so far, those that failed among them. */
  readonly calls: number;
  fail(...faults: SlackFault[]): void;
}

export async function startFakeSlackReplies(): Promise<FakeSlackReplies> {
  const shown: string[] = [];
  const faults: SlackFault[] = [];
  const uses = new Map<string, number>();
  let calls = 0;
  const server = await listening(
    createServer((request, response) => {
      calls += 1;
      void answer(request, response);
    }),
  );

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const body = await textOf(request);
    const fault = faults.shift();
    const used = uses.get(path);
    if (fault !== undefined && refuse(fault, request, response)) return;
    if (request.method !== "POST" || used === undefined) return error(response, 404, "no_team");
    if (used >= MAX_USES) return error(response, 404, "used_url");
    const reply = Reply.safeParse(JSON.parse(body));
    if (!/^application\/json\b/.test(request.headers["content-type"] ?? "") || !reply.success) {
      return error(response, 400, "invalid_payload");
    }
    uses.set(path, used + 1);
    shown.push(readable(reply.data.text));
    if (fault === "accept_then_hang_up") request.socket.destroy();
    else response.writeHead(200, { "Content-Type": "text/html" }).end("ok");
  }

  return {
    origin: server.url.origin,
    shown,
    get calls() {
      return calls;
    },
    responseUrl() {
      const path = `/commands/T0001/${uses.size}/secret-of-${uses.size}`;
      uses.set(path, 0);
      return new URL(path, server.url).href;
    },
    fail: (...next) => void faults.push(...next),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** @returns False when the call is carried out all the same. */
function refuse(fault: SlackFault, request: IncomingMessage, response: ServerResponse): boolean {
  switch (fault) {
    case "rate_limited_2s":
      response.writeHead(429, { "Retry-After": "2" }).end("ratelimited");
      return true;
    case "broken":
      response.writeHead(503).end("<html>Service unavailable</html>");
      return true;
    case "hang_up":
      request.socket.destroy();
      return true;
    case "redirect":
      response.writeHead(307, { Location: "http://127.0.0.1:1/elsewhere" }).end();
      return true;
    case "expired":
      error(response, 404, "expired_url");
      return true;
    case "forbidden":
      error(response, 403, "action_prohibited");
      return true;
    case "not_ok":
      error(response, 200, "expired_url");
      return true;
    case "accept_then_hang_up":
      return false;
  }
}

function error(response: ServerResponse, status: number, word: string): void {
  const body = JSON.stringify({ ok: false, error: word });
  response.writeHead(status, { "Content-Type": "application/json" }).end(body);
}

/** As people see it: what looks like `<@U1>` is a link to somebody. */
function readable(text: string): string {
  if (/[<>]/.test(text)) return `LINKS: ${text}`;
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/**
 * The part of Discord that answers interactions later.
 *
 * Source: https://docs.discord.com/developers/interactions/receiving-and-responding#endpoints
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { listening } from "./http-upstream.ts";

export type DiscordFault = "rate_limited_2s" | "broken" | "hang_up" | "accept_then_hang_up";

const Message = z.strictObject({
  content: z.string().min(1).max(2_000),
  allowed_mentions: z.strictObject({ parse: z.tuple([]) }),
});

export interface FakeDiscordReplies extends AsyncDisposable {
  readonly apiRoot: string;
  /** The user sees "thinking…", or the message with the button, from now on. */
  respond(token: string): void;
  /** What the user sees, in order: messages by `POST`, and edits of the first answer by `PATCH`. */
  readonly shown: readonly { readonly by: string; readonly content: string }[];
  readonly calls: number;
  fail(...faults: DiscordFault[]): void;
}

export async function startFakeDiscordReplies(application: string): Promise<FakeDiscordReplies> {
  const shown: { by: string; content: string }[] = [];
  const faults: DiscordFault[] = [];
  const tokens = new Set<string>();
  let calls = 0;
  const server = await listening(
    createServer((request, response) => {
      calls += 1;
      void answer(request, response);
    }),
  );

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { app, token, method } = endpointOf(request);
    const fault = faults.shift();
    if (fault !== undefined && refuse(fault, request, response)) return;
    if (app !== application || !tokens.has(token)) {
      return json(response, 404, { message: "Unknown Webhook", code: 10_015 });
    }
    if (request.method !== method) {
      return json(response, 405, { message: "405: Method Not Allowed", code: 0 });
    }
    const message = Message.safeParse(JSON.parse(body));
    if (!message.success) {
      return json(response, 400, { message: "Invalid Form Body", code: 50_035 });
    }
    shown.push({ by: method, content: message.data.content });
    if (fault === "accept_then_hang_up") request.socket.destroy();
    else json(response, 200, { id: String(1_000 + shown.length), ...message.data });
  }

  return {
    apiRoot: new URL("/api/v10/", server.url).href,
    respond: (token) => void tokens.add(token),
    shown,
    get calls() {
      return calls;
    },
    fail: (...next) => void faults.push(...next),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** With the only method that it takes. */
function endpointOf({ url = "" }: IncomingMessage) {
  const [, app, token = "", original] =
    /^\/api\/v10\/webhooks\/(\d+)\/([^/]+)(\/messages\/@original)?$/.exec(url) ?? [];
  const method = original === undefined ? "POST" : "PATCH";
  return { app, token: decodeURIComponent(token), method };
}

/** @returns False when the call is carried out all the same. */
function refuse(fault: DiscordFault, request: IncomingMessage, response: ServerResponse): boolean {
  if (fault === "accept_then_hang_up") return false;
  if (fault === "hang_up") request.socket.destroy();
  if (fault === "broken") json(response, 500, { message: "500: Internal Server Error" });
  if (fault === "rate_limited_2s") {
    json(response, 429, { message: "You are being rate limited.", retry_after: 2, global: false });
  }
  return true;
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

import { readFileSync } from "node:fs";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { once } from "node:events";
import * as z from "zod";
import { expect, type Check } from "./check.ts";
import { MODEL_SAYS, type World } from "./world.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Pieces the body came in. */
  readonly pieces: number;
}

interface Asked {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A request to the edge by its path. */
async function ask(world: World, path: string, asked: Asked = {}): Promise<Answer> {
  const { token = world.token, body, headers = {} } = asked;
  const outgoing = request(new URL(path, world.url), {
    method: body === undefined ? "GET" : "POST",
    ca: readFileSync(world.certificate),
    headers: {
      ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer]: IncomingMessage[] = await once(outgoing, "response");
  if (answer === undefined) throw new Error("no answer");
  let text = "";
  let pieces = 0;
  for await (const piece of answer) {
    text += String(piece);
    pieces += 1;
  }
  return { status: answer.statusCode ?? 0, headers: answer.headers, text, pieces };
}

const Models = z.object({ data: z.array(z.object({ id: z.string() })) });
const Chat = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })),
});
const Failure = z.object({ error: z.object({ message: z.string(), type: z.string() }) });

const HELLO = { model: "openclaw", messages: [{ role: "user", content: "Hello there friend" }] };

export const HTTP_CHECKS: readonly Check<World>[] = [
  {
    name: "http: a stranger is turned away at the edge",
    async run(world) {
      for (const token of ["", "wrong", world.openclawToken]) {
        const { status, text } = await ask(world, "/v1/models", { token });
        expect(status === 401 && text.includes('"hop":"edge"'), `${status} ${text}`);
      }
      return "3 wrong credentials, 401 from the edge";
    },
  },
  {
    name: "http: the models are listed",
    async run(world) {
      const { status, text } = await ask(world, "/v1/models");
      const ids = Models.parse(JSON.parse(text)).data.map(({ id }) => id);
      expect(status === 200 && ids.includes("openclaw"), text);
      return ids.join(", ");
    },
  },
  {
    name: "http: a chat without a message is OpenClaw's own error",
    async run(world) {
      const { status, text } = await ask(world, "/v1/chat/completions", {
        body: { model: "openclaw", messages: [] },
      });
      const { error } = Failure.parse(JSON.parse(text));
      expect(status === 400 && error.type === "invalid_request_error", text);
      return error.message;
    },
  },
  {
    name: "http: a chat is answered",
    async run(world) {
      const { status, text } = await ask(world, "/v1/chat/completions", { body: HELLO });
      expect(status === 200, text);
      const said = Chat.parse(JSON.parse(text)).choices[0]?.message.content ?? "";
      expect(said === MODEL_SAYS, said);
      return said;
    },
  },
  {
    name: "http: a streamed chat comes in pieces, to its end",
    async run(world) {
      const { status, headers, text, pieces } = await ask(world, "/v1/chat/completions", {
        body: { ...HELLO, stream: true },
      });
      expect(status === 200 && text.trimEnd().endsWith("data: [DONE]"), text);
      expect(headers["content-type"]?.startsWith("text/event-stream") === true, "not events");
      expect(pieces > 2, `${pieces} pieces`);
      return `${pieces} pieces`;
    },
  },
  {
    name: "http: a webhook is taken in once",
    async run(world) {
      const asked = {
        token: world.hooksToken,
        body: { text: "The build is green", mode: "now" },
        headers: { "Idempotency-Key": "acceptance-1" },
      };
      const first = await ask(world, "/hooks/wake", asked);
      expect(first.status === 200, `${first.status} ${first.text}`);
      const again = await ask(world, "/hooks/wake", asked);
      expect(again.status === 200, `${again.status} ${again.text}`);
      const stranger = await ask(world, "/hooks/wake", { ...asked, token: "wrong" });
      expect(stranger.status === 401, `${stranger.status} ${stranger.text}`);
      return first.text;
    },
  },
];

/** People and programs who go on using a gateway whatever is done to it, and tell what they noticed. */
import * as z from "zod";
import { connectFrame, openGatewaySocket } from "./gateway-socket.ts";
import { connectReference } from "./reference-client.ts";
import { bearer } from "./matrix-world.ts";

/** What the load has come to so far. */
export interface Tally {
  /** Requests that were answered. */
  done: number;
  /** What went wrong, in words. */
  readonly failures: string[];
  /** Longest that one of them took; ms. */
  longestMs: number;
}

export interface Aim {
  readonly url: string;
  readonly token: string;
  readonly hooksToken: string;
  /** Aborts when it is enough. */
  readonly signal: AbortSignal;
  readonly tally: Tally;
}

/** Asks for completions one after the other, in one piece and in many. */
export async function complete({ url, token, signal, tally }: Aim, name: string): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    const stream = count % 2 === 0;
    const said = `${name} ${count}`;
    const body = { model: "openclaw", stream, messages: [{ role: "user", content: said }] };
    await attempt(tally, `${stream ? "streamed" : "plain"} completion of ${said}`, async () => {
      const answer = await post(new URL("/v1/chat/completions", url), token, body);
      const isWhole = stream ? answer.endsWith("data: [DONE]\n\n") : true;
      if (!isWhole || !textIn(answer, stream).includes(said))
        throw new Error(`an answer that is not whole: ${answer.slice(-200)}`);
    });
  }
}

const Chunk = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().default("") }) })),
});

/** What was said in an answer, whichever its form. */
function textIn(answer: string, isStream: boolean): string {
  if (!isStream) return answer;
  return [...answer.matchAll(/^data: (?<json>\{.*\})$/gm)]
    .flatMap(({ groups }) => Chunk.parse(JSON.parse(groups?.["json"] ?? "")).choices)
    .map(({ delta }) => delta.content)
    .join("");
}

/** Posts webhooks one after the other. */
export async function call({ url, hooksToken, signal, tally }: Aim, name: string): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    await attempt(tally, `webhook ${name} ${count}`, async () => {
      await post(new URL("/hooks/wake", url), hooksToken, {
        text: `${name} ${count}`,
        mode: "next-heartbeat",
      });
    });
  }
}

const Answer = z.object({ status: z.string() });

/**
 * Chats with the published client, which comes back by itself. What it said when it lost its
 * connection it says again, by the same key.
 *
 * @returns What it said.
 */
export async function chat(
  { url, token, signal, tally }: Aim,
  sessionKey: string,
): Promise<readonly string[]> {
  await using line = await connectReference({
    url: new URL("/gateway", url).href.replace("http", "ws"),
    token,
    clientName: "cli",
    mode: "cli",
    scopes: ["operator.admin"],
  });
  const texts: string[] = [];
  for (let count = 0; !signal.aborted; count += 1) {
    const message = `${sessionKey} says ${count}`;
    const idempotencyKey = `${sessionKey}-${count}`;
    texts.push(message);
    await attempt(tally, `chat ${message}`, async () => {
      const params = { sessionKey, message, idempotencyKey };
      await insist(() => line.client.request("chat.send", params));
      const wait = { runId: idempotencyKey, timeoutMs: 20_000 };
      const ask = async (): Promise<string> => {
        return Answer.parse(await insist(() => line.client.request("agent.wait", wait))).status;
      };
      // Put off by a restart it is not over, and not forgotten.
      const [first, second] = [await ask(), await ask()];
      const status = first === "timeout" ? second : first;
      if (status !== "ok") throw new Error(`it ended as ${status}`);
    });
  }
  return texts;
}

/** A client that sits there. @returns How often it was closed, with which codes. */
export async function sit({ url, token, signal }: Aim): Promise<readonly number[]> {
  const codes: number[] = [];
  while (!signal.aborted) {
    using client = await openGatewaySocket(url);
    await client.frame({ event: "connect.challenge" });
    client.send(connectFrame({ auth: { token } }));
    await client.frame({ type: "res", ok: true });
    const leave = (): void => client.socket.close(4000);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    const { code } = await client.ended;
    signal.removeEventListener("abort", leave);
    if (code !== 4000) codes.push(code);
  }
  return codes;
}

const ATTEMPTS = 200;
/** What the published client says without a connection; what it asks on one that is not greeted yet is refused. */
const AWAY = /closed|not connected|disconnected|restart|first request must be connect/i;

/** A client that lost its connection asks again when it has another one. */
async function insist(ask: () => Promise<unknown>): Promise<unknown> {
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0 || !AWAY.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function post(url: URL, token: string, body: object): Promise<string> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { ...bearer(token), "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text.slice(0, 300)}`);
  return text;
}

async function attempt(tally: Tally, what: string, work: () => Promise<void>): Promise<void> {
  const begunAt = performance.now();
  try {
    await work();
    tally.done += 1;
    tally.longestMs = Math.max(tally.longestMs, performance.now() - begunAt);
  } catch (error) {
    tally.failures.push(`${what}: ${String(error)}`);
  }
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface SlowModel extends AsyncDisposable {
  /** Settings that make it the model of every agent. */
  readonly config: object;
  /** Resolves once a question that says `slow` has come. */
  asked(): Promise<void>;
  /** Answers what waits, and what comes from now on. */
  answer(): void;
}

/** A provider that keeps whoever says `slow` waiting until it is let; all others are answered at once. */
export async function slowModel(): Promise<SlowModel> {
  const gate = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const said = (await incoming.toArray()).join("");
    if (said.includes("slow")) {
      heard.resolve();
      await gate.promise;
    }
    const choices = [{ index: 0, delta: { content: "at last" }, finish_reason: "stop" }];
    const chunk = { id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices };
    outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
    outgoing.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
  };
  const server = createServer((incoming, outgoing) => {
    // A client that is gone reads no answer.
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const provider = {
    api: "openai-completions",
    baseUrl: `http://127.0.0.1:${port}/v1`,
    apiKey: "sk-test",
    models: [{ id: "m", name: "m" }],
  };
  return {
    config: {
      agents: { defaults: { model: { primary: "p/m" } } },
      models: { providers: { p: provider } },
    },
    asked: () => heard.promise,
    answer: () => gate.resolve(),
    async [Symbol.asyncDispose]() {
      gate.resolve();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A real core behind a real edge, a bot people talk to, a model, and a server webhooks are posted on to. */
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { createServer, type IncomingMessage } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "./core.ts";
import { type RunningEdge, startEdge } from "./edge.ts";
import type { FakeModel } from "./fake-model.ts";
import { startFakeOpenAi } from "./fake-openai.ts";
import { type FakeTelegram, startFakeTelegram } from "./fake-telegram.ts";
import { listening } from "./http-upstream.ts";
import { until } from "./until.ts";

export const SECRETS = { github: "gh-secret-0123456789", slack: "slack-secret-0123456789" };

export interface Posted {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface WebhookWorld extends AsyncDisposable {
  readonly edge: RunningEdge;
  readonly home: CoreHome;
  readonly telegram: FakeTelegram;
  readonly model: FakeModel;
  /** What arrived at the server. */
  readonly posted: readonly Posted[];
  /** Statuses of its next answers; after them 200. */
  readonly statuses: number[];
  core: CoreProcess;
  restart(): Promise<void>;
  send(
    route: string,
    body: string,
    headers: Record<string, string>,
    to?: "edge" | "core",
  ): Promise<Response>;
  /** As GitHub does. */
  github(id: string, body: object, to?: "edge" | "core"): Promise<Response>;
  /** A slash command. @param more - Fields beside those there always are. */
  slack(text: string, trigger: string, more?: Record<string, string>): Promise<Response>;
  /** Rows of the log, when no core has it. */
  rows(statement: string): Record<string, unknown>[];
  until(holds: () => boolean): Promise<void>;
}

/**
 * @param routes - Of `sallyport.ingress`, told the address of the server.
 * @param more - What else stands there.
 */
export async function webhookWorld(
  routes: (upstream: URL) => Record<string, object>,
  more: object = {},
): Promise<WebhookWorld> {
  await using parts = new AsyncDisposableStack();
  const pairing = randomToken();
  const edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const telegram = parts.use(await startFakeTelegram({ httpWebhooks: true }));
  const model = parts.use(await startFakeOpenAi());
  const posted: Posted[] = [];
  const statuses: number[] = [];
  const server = parts.use(await listening(recorder(posted, statuses)));
  const home = parts.use(
    await createHome(
      edge,
      pairing,
      {
        channels: {
          telegram: {
            botToken: telegram.token,
            apiRoot: telegram.apiRoot,
            dmPolicy: "open",
            allowFrom: ["*"],
          },
        },
        sallyport: { ingress: { ...more, routes: routes(server.url) } },
      },
      { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: model.baseUrl },
    ),
  );
  let core = await startCore(home, edge);
  parts.defer(() => core.kill());
  const rest = parts.move();
  const send: WebhookWorld["send"] = (route, body, headers, to = "edge") =>
    fetch(new URL(`/hooks/${route}`, to === "edge" ? edge.url : core.url), {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body,
    });
  return {
    edge,
    home,
    telegram,
    model,
    posted,
    statuses,
    get core() {
      return core;
    },
    async restart() {
      core = await startCore(home, edge);
    },
    send,
    github(id, body, to) {
      const text = JSON.stringify(body);
      return send("github", text, githubHeaders(id, text), to);
    },
    slack(text, trigger, extra = {}) {
      const body = String(
        new URLSearchParams({
          command: "/ask",
          text,
          user_id: "U1",
          channel_id: "C1",
          team_id: "T1",
          trigger_id: trigger,
          ...extra,
        }),
      );
      return send("slack", body, slackHeaders(body));
    },
    rows(statement) {
      using database = new DatabaseSync(join(home.dir, "sallyport.sqlite"), { readOnly: true });
      return database.prepare(statement).all();
    },
    until: async (holds) => void (await until(holds)),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

function recorder(posted: Posted[], statuses: number[]) {
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      posted.push({ method, path, headers, body: String(Buffer.concat(chunks)) });
      response.writeHead(statuses.shift() ?? 200, { "Content-Type": "text/plain" });
      response.end("thanks");
    });
  });
}

/** Source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries */
export function githubHeaders(id: string, body: string): Record<string, string> {
  const signature = createHmac("sha256", SECRETS.github).update(body).digest("hex");
  return {
    "X-GitHub-Event": "issues",
    "X-GitHub-Delivery": id,
    "X-Hub-Signature-256": `sha256=${signature}`,
  };
}

/** Source: https://docs.slack.dev/authentication/verifying-requests-from-slack/ */
function slackHeaders(body: string): Record<string, string> {
  const at = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac("sha256", SECRETS.slack).update(`v0:${at}:${body}`).digest("hex");
  return {
    "Content-Type": "application/x-www-form-urlencoded",
    "X-Slack-Request-Timestamp": at,
    "X-Slack-Signature": `v0=${signature}`,
  };
}

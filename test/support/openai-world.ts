import OpenAI from "openai";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "./core.ts";
import { type RunningEdge, startEdge } from "./edge.ts";
import type { FakeModel } from "./fake-model.ts";
import { startFakeOpenAi } from "./fake-openai.ts";

/** Ways to the same core: to its own port, and through the real edge. */
export const DOORS = ["the core's own port", "the edge"] as const;
export type Door = (typeof DOORS)[number];

export interface OpenAiWorld extends AsyncDisposable {
  readonly model: FakeModel;
  readonly home: CoreHome;
  readonly core: CoreProcess;
  readonly edge: RunningEdge;
  url(door: Door): string;
  client(door: Door, options?: { readonly headers?: Record<string, string> }): OpenAI;
  /** A request with the token, by its path. */
  call(door: Door, path: string, init?: RequestInit): Promise<Response>;
}

/**
 * The whole product with a model server of somebody else's that follows a script.
 *
 * @param config - Of the core, beside what it needs to run.
 */
export async function startOpenAiWorld(config: object = {}): Promise<OpenAiWorld> {
  await using parts = new AsyncDisposableStack();
  const pairing = randomToken();
  const edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const model = parts.use(await startFakeOpenAi());
  const home = parts.use(
    await createHome(edge, pairing, config, {
      OPENAI_API_KEY: "sk-test",
      OPENAI_BASE_URL: model.baseUrl,
    }),
  );
  const core = await startCore(home, edge);
  parts.defer(async () => void (await core.stop()));
  const rest = parts.move();
  const url = (door: Door): string => (door === "the edge" ? edge.url.origin : core.url);
  return {
    model,
    home,
    core,
    edge,
    url,
    client: (door, { headers = {} } = {}) =>
      new OpenAI({
        baseURL: new URL("/v1", url(door)).href,
        apiKey: home.token,
        maxRetries: 0,
        defaultHeaders: headers,
      }),
    call(door, path, init = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has("Authorization")) headers.set("Authorization", `Bearer ${home.token}`);
      return fetch(new URL(path, url(door)), { ...init, headers });
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

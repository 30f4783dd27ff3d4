import { randomToken } from "../../shared/bytes.ts";
import { connectFrame, openGatewaySocket } from "./gateway-socket.ts";
import { createDevice, type TestDevice } from "./gateway-device.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "./core.ts";
import { type RunningEdge, startEdge } from "./edge.ts";
import type { Door, Standing } from "./access-rules.ts";
import { challengeIn } from "./gateway-refusals.ts";
import { rawRequest } from "./raw-request.ts";

/** A device that was let in, with its own token. */
export interface PairedDevice {
  readonly device: TestDevice;
  readonly token: string;
  readonly scopes: readonly string[];
}

/** Something that a request shows, and who that makes its sender. */
export interface Credential {
  readonly name: string;
  readonly who: Standing;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the URL. */
  readonly query?: string;
}

/** A real core behind a real edge. */
export interface MatrixWorld extends AsyncDisposable {
  readonly edge: RunningEdge;
  readonly home: CoreHome;
  readonly core: CoreProcess;
  url(door: Door): URL;
  /** Pairs a device of this machine. */
  pair(scopes: readonly string[]): Promise<PairedDevice>;
  /** Calls a method as the owner. */
  own(method: string, params: object): Promise<unknown>;
}

/**
 * @param auth - Beside the token, or in place of it.
 * @param options - `rateLimits`: those of the edge do stand in the way.
 */
export async function startMatrixWorld(
  auth: object = {},
  { rateLimits = false } = {},
): Promise<MatrixWorld> {
  await using parts = new AsyncDisposableStack();
  const pairing = randomToken();
  const bindings = { PAIRING_SECRET: pairing };
  const edge = parts.use(await startEdge({ bindings, rateLimits }));
  const config = Object.keys(auth).length === 0 ? {} : { gateway: { auth } };
  const home = parts.use(await createHome(edge, pairing, config));
  const token = "password" in auth ? String(auth.password) : home.token;
  const core = await startCore({ ...home, token }, edge);
  parts.defer(async () => void (await core.stop()));
  const rest = parts.move();
  return {
    edge,
    home,
    core,
    url: (door) => (door === "the edge" ? edge.url : new URL(core.url)),
    async pair(scopes) {
      const device = createDevice();
      using client = await openGatewaySocket(core.url);
      const { payload } = await client.frame({ event: "connect.challenge" });
      const { params } = connectFrame({ auth: { token }, scopes });
      client.send(connectFrame(device.prove(params, challengeIn(payload))));
      const hello = await client.frame({ type: "res" });
      const { deviceToken } = Object(Object(hello["payload"]).auth);
      if (typeof deviceToken !== "string") throw new Error(JSON.stringify(hello));
      return { device, token: deviceToken, scopes };
    },
    async own(method, params) {
      using client = await openGatewaySocket(core.url);
      await client.frame({ event: "connect.challenge" });
      client.send(connectFrame({ auth: { token }, scopes: ["operator.admin"] }));
      await client.frame({ type: "res", id: "1", ok: true });
      client.send({ type: "req", id: "2", method, params });
      return (await client.frame({ id: "2" }))["payload"];
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

export function bearer(token: string): { readonly Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

/** A ticket of the edge that has been used. */
export async function usedTicket(
  { edge }: Pick<MatrixWorld, "edge">,
  token: string,
): Promise<string> {
  const answer = await rawRequest(edge.url, "/auth/ticket", {
    method: "POST",
    headers: bearer(token),
  });
  const { ticket } = Object(JSON.parse(answer.text));
  const headers = { Accept: "text/event-stream" };
  const first = await rawRequest(edge.url, `/v1/models?ticket=${String(ticket)}`, { headers });
  if (first.status !== 200) throw new Error(`the ticket opened nothing: ${first.text}`);
  return String(ticket);
}

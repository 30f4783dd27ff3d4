import { expect, test } from "vitest";
import * as z from "zod";
import { connectFrame } from "../../../test/support/gateway-socket.ts";
import { GATEWAY_TOKEN, startGatewayWorld } from "../../../test/support/gateway-world.ts";

const ENV = { OPENCLAW_GATEWAY_TOKEN: GATEWAY_TOKEN };
const Named = z.looseObject({ id: z.string() });

test.each([
  ["/v1/chat/completions", { messages: [{ role: "user", content: "hi" }] }],
  ["/v1/responses", { input: "hi" }],
])("the end of a turn over HTTP (%s) is known by the id of its answer", async (path, asked) => {
  await using world = await startGatewayWorld({}, ENV);
  using socket = await world.open();
  await socket.frame({ event: "connect.challenge" });
  socket.send(connectFrame({ auth: { token: GATEWAY_TOKEN }, scopes: ["operator.admin"] }));
  await socket.frame({ type: "res" });
  const answer = await world.fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${GATEWAY_TOKEN}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model: "openclaw", ...asked }),
  });
  const { id: runId } = Named.parse(await answer.json());
  const wait = (id: string, params: object): void =>
    socket.send({ type: "req", id, method: "agent.wait", params });
  wait("w", { runId, timeoutMs: 20_000 });
  expect(await socket.frame({ id: "w" })).toMatchObject({ payload: { runId, status: "ok" } });
  wait("x", { runId: "nobody-s", timeoutMs: 1 });
  expect(await socket.frame({ id: "x" })).toMatchObject({ payload: { status: "timeout" } });
});

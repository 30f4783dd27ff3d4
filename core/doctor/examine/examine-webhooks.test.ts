import { expect, onTestFinished, test } from "vitest";
import { createMachine } from "../../../test/support/examined.ts";
import { type Reply, startFakeEdge } from "../../../test/support/fake-edge.ts";
import { Identity } from "../../tunnel/identity/identity.ts";

const HEALTH = { ok: true, status: "live", edge: { version: "1" }, core: { connected: true } };
const ROUTES = {
  github: { verify: "github", secret: "s", agent: true },
  unset: { verify: "stripe", secret: "${NOT_SET}", agent: true },
  late: { verify: "github", secret: "s", verifyAt: "core", agent: true },
  put: { verify: "github", secret: "s", methods: ["PUT"], contentTypes: ["text/xml"], wake: true },
};

/** A machine that knows its edge, and what was posted there. */
async function world(routes: object, answer: (path: string) => Reply, path = "/hooks") {
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  const posted: string[] = [];
  edge.onRequest = ({ url = "", method, headers }) => {
    if (url === "/health") return { status: 200, body: JSON.stringify(HEALTH) };
    if (!url.startsWith(`${path}/`)) return { status: 404, body: "{}" };
    posted.push(`${method} ${url} ${headers["content-type"] ?? "-"}`);
    return answer(url);
  };
  const machine = await createMachine({
    hooks: { path },
    sallyport: { edge: { url: edge.url.href }, ingress: { routes } },
  });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  const identity = await Identity.load(machine.stateDir, edge.url);
  await identity.pin(edge.url.host, edge.key.publicKey);
  return { machine, posted };
}

function problem(status: number, code: string): Reply {
  return { status, body: JSON.stringify({ code, detail: code }) };
}

test("each route that the edge checks is knocked at as it takes webhooks, and no other", async () => {
  const { machine, posted } = await world(ROUTES, () => problem(401, "unauthenticated"));
  const found = await machine.examine();
  expect(found.of("webhook.routes")).toBe(
    "warning: webhooks: github, late, put; off, for want of what their senders are checked by: unset",
  );
  expect(found.of("webhook.guard")).toBe(
    "ok: unsigned webhooks are turned away: /hooks/github, /hooks/put",
  );
  expect(posted.toSorted()).toEqual(["POST /hooks/github -", "PUT /hooks/put text/xml"]);
  // Only a gateway knows of these.
  expect(found.of("webhook.published")).toMatch(/^skipped: no gateway that leads/);
  expect(found.of("webhook.dead")).toBe("skipped: no gateway lets us in");
});

test("they are knocked at where hooks.path has them", async () => {
  const { machine, posted } = await world(ROUTES, () => problem(401, "unauthenticated"), "/in");
  expect((await machine.examine()).of("webhook.guard")).toBe(
    "ok: unsigned webhooks are turned away: /in/github, /in/put",
  );
  expect(posted.toSorted()).toEqual(["POST /in/github -", "PUT /in/put text/xml"]);
});

test("a route that the edge does not know is named", async () => {
  const { machine } = await world(ROUTES, (path) =>
    path === "/hooks/put" ? problem(404, "not_found") : problem(401, "unauthenticated"),
  );
  expect((await machine.examine()).of("webhook.guard")).toBe(
    "failed: the edge knows no webhook /hooks/put",
  );
});

test("without a route there is nothing to knock at", async () => {
  const { machine, posted } = await world({}, () => problem(404, "not_found"));
  const found = await machine.examine();
  expect(found.of("webhook.routes")).toMatch(/^ok: no webhook is set up; hooks are off/);
  expect(found.of("webhook.guard")).toBe("skipped: the edge checks the senders of none");
  expect(posted).toEqual([]);
});

test("without an edge, what is set up is told all the same", async () => {
  const machine = await createMachine({ sallyport: { ingress: { routes: ROUTES } } });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  const found = await machine.examine();
  expect(found.of("webhook.routes")).toMatch(/^warning: webhooks: github, late, put/);
  expect(found.of("webhook.guard")).toMatch(/^skipped: no edge is known/);
});

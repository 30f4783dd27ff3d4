import { expect, onTestFinished, test } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { fieldOf } from "../../../shared/tunnel/fields.ts";
import { type FakeEdge, type FakeLink, startFakeEdge } from "../../../test/support/fake-edge.ts";
import {
  connectCore,
  type TunnelCore,
  type TunnelCoreOptions,
} from "../../../test/support/tunnel-core.ts";
import { Secret } from "../../../shared/secret.ts";
import { until } from "../../../test/support/until.ts";

async function world(options: Partial<TunnelCoreOptions> = {}): Promise<{
  edge: FakeEdge;
  core: TunnelCore;
  link: FakeLink;
}> {
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  const core = await connectCore({
    edge: edge.url,
    pairing: new Secret("unused"),
    ...options,
    settings: { pairing: undefined, ...options.settings },
  });
  onTestFinished(() => core[Symbol.asyncDispose]());
  return { edge, core, link: await edge.link(1) };
}

/** The relay tells who has the work: the core at the end of `link`, or another. */
function tell({ session, hello }: FakeLink, isOurs: boolean): void {
  const cores = [
    { instance: fieldOf(hello, ":instance"), leads: isOurs },
    { instance: "another", leads: !isOurs },
  ];
  session.tell(utf8(JSON.stringify({ cores })));
  session.flush();
}

function lines({ log }: TunnelCore, part: string): string[] {
  return log.filter((line) => line.includes(part));
}

test("a core that loses its work to another says so, and publishes when it has it back", async () => {
  const { edge, core, link } = await world({ settings: { mode: "standby" } });
  await until(() => core.tunnel.relays[0]?.leads);
  tell(link, false);
  await core.logged("relay gave our work to another core");
  expect(core.tunnel.relays[0]).toMatchObject({
    connected: true,
    leads: false,
    lastError: "another core has the work now",
  });
  expect(core.tunnel.state.warnings).toEqual(["Relay weur:1: another core has the work now"]);
  expect(await edge.askedFor("/bundle")).toHaveLength(1);

  tell(link, true);
  expect(await edge.askedFor("/bundle", 2)).toHaveLength(2);
  await until(() => core.tunnel.relays[0]?.leads);
  expect(core.tunnel.relays[0]?.lastError).toBeUndefined();
  // Hearing again what it knows is no news.
  tell(link, true);
  await core.tunnel.request(undefined, "GET", "/state");
  expect(await edge.askedFor("/bundle")).toHaveLength(2);
});

test("a core that was refused publishes as soon as the relay gives it the work", async () => {
  const { edge, core, link } = await world({ settings: { mode: "standby" }, lead: false });
  edge.onAsked = () => ({ status: 409, body: '{"detail":"another core leads"}' });
  core.lead();
  await until(() => core.tunnel.relays[0]?.lastError === "another core leads");
  edge.onAsked = () => ({ status: 204 });
  tell(link, true);
  await until(() => core.tunnel.relays[0]?.leads);
  expect(await edge.askedFor("/bundle", 2)).toHaveLength(2);
});

test("a core that goes has given its work away, and lost it to nobody", async () => {
  const { core, link } = await world();
  await until(() => core.tunnel.relays[0]?.leads);
  const drained = core.tunnel.drain(10_000);
  await link.goingAway;
  tell(link, false);
  await drained;
  expect(lines(core, "relay gave our work")).toEqual([]);
});

test("a claim that is refused again and again is said once", async () => {
  const { edge, core } = await world({ lead: false });
  edge.onAsked = () => ({ status: 409, body: '{"detail":"another core leads"}' });
  core.lead();
  await until(() => core.tunnel.relays[0]?.lastError === "another core leads");
  for (const count of [2, 3]) {
    core.tunnel.publish();
    await edge.askedFor("/bundle", count);
  }
  edge.onAsked = () => ({ status: 409, body: '{"detail":"a later epoch leads"}' });
  core.tunnel.publish();
  await until(() => core.tunnel.relays[0]?.lastError === "a later epoch leads");
  expect(lines(core, "relay does not send us its work")).toHaveLength(2);
});

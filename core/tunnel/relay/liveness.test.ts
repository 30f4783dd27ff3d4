import { expect, onTestFinished, test, vi } from "vitest";
import { fakeEdgeWithCore } from "../../../test/support/fake-edge-with-core.ts";
import { Heartbeat } from "./heartbeat.ts";
import { until } from "../../../test/support/until.ts";

/** The wall clock goes on while everything else stands still, as in a sleep. */
function sleepFor(ms: number): void {
  const { now } = Date;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => now.call(Date) + ms);
  onTestFinished(() => clock.mockRestore());
}

test("a connection that did not outlive a sleep is replaced", async () => {
  const { edge, core } = await fakeEdgeWithCore();
  const { socket } = await edge.link(1);
  edge.beats = false;
  sleepFor(3_600_000);
  await edge.attempted(2);
  edge.beats = true;
  await edge.link(2);
  await until(() => core.tunnel.state.connected);
  expect(core.tunnel.metrics.reconnects.get("silent")).toBe(1);
  // Its socket is not left behind.
  await until(() => socket.readyState === socket.CLOSED);
});

test("a connection that outlived a sleep is kept", async () => {
  const { edge, core } = await fakeEdgeWithCore();
  await edge.link(1);
  sleepFor(3_600_000);
  await until(() => core.log.some((line) => line.includes("this machine was asleep")));
  await core.tunnel.measure();
  expect([edge.attempts.length, core.tunnel.state.connected]).toEqual([1, true]);
});

test("a core that others leave no processor time keeps its connection, however late its answers", async () => {
  const { edge, core } = await fakeEdgeWithCore();
  await edge.link(1);
  const now = performance.now.bind(performance);
  const cpuUsage = process.cpuUsage.bind(process);
  edge.beats = false;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 6_000);
  const cpu = vi.spyOn(process, "cpuUsage").mockImplementation(() => {
    const { user, system } = cpuUsage();
    return { user: user + 2_000_000, system };
  });
  onTestFinished(() => {
    clock.mockRestore();
    cpu.mockRestore();
  });
  await until(() => core.log.some((line) => line.includes("this process got no processor time")));
  expect(core.log.some((line) => line.includes("this machine was asleep"))).toBe(false);
  edge.beats = true;
  await core.tunnel.measure();
  expect([edge.attempts.length, core.tunnel.state.connected]).toEqual([1, true]);
});

test("a core that wakes while it waits dials at once", async () => {
  const { edge, core } = await fakeEdgeWithCore();
  (await edge.link(1)).socket.close(4409, "another core leads");
  await until(() => !core.tunnel.state.connected);
  sleepFor(60_000);
  // It would have waited for half a minute.
  await edge.link(2);
  expect(edge.attempts).toHaveLength(2);
});

test("an edge that accepts and says nothing is not waited for after a sleep", async () => {
  const { edge, core } = await fakeEdgeWithCore();
  edge.greets = false;
  (await edge.link(1)).socket.terminate();
  await edge.ignored();
  edge.greets = true;
  sleepFor(60_000);
  await edge.link(2);
  await until(() => core.tunnel.state.connected);
  expect(edge.attempts).toHaveLength(3);
});

test("a stop in the middle of an attempt, or of a wait, ends at once", async () => {
  const { edge, core } = await fakeEdgeWithCore();
  edge.refuse = () => ({ status: 503 });
  (await edge.link(1)).socket.terminate();
  await edge.attempted(2);
  await core[Symbol.asyncDispose]();
  expect(core.tunnel.state.connected).toBe(false);
});

test("no answer to a heartbeat ends the connection; an answer to each measures it", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let sent = 0;
  let silences = 0;
  const heartbeat = new Heartbeat({
    send: () => {
      sent += 1;
    },
    onSilence: () => {
      silences += 1;
    },
    now: () => performance.now(),
  });
  heartbeat.start();
  vi.advanceTimersByTime(40);
  heartbeat.answered();
  expect(heartbeat.rttMs).toBe(40);
  vi.advanceTimersByTime(25_000);
  heartbeat.answered();
  expect([sent, silences]).toEqual([2, 0]);
  vi.advanceTimersByTime(35_000);
  expect(silences).toBe(1);
  heartbeat.stop();
  vi.advanceTimersByTime(100_000);
  expect([sent, silences]).toEqual([3, 1]);
});

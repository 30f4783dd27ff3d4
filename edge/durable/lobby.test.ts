import { expect, test } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import { Lobby } from "./lobby.ts";

const patient = new AbortController().signal;
const LATER = 1_000_000;

test("whoever waits goes on when a core is there", async () => {
  const lobby = new Lobby();
  const waits = [lobby.wait(LATER, 0, patient), lobby.wait(LATER, 0, patient)];
  lobby.open();
  expect(await Promise.all(waits)).toEqual([true, true]);
  expect(lobby.size).toBe(0);
});

test("nobody waits when no core is expected, or the client has left", async () => {
  const lobby = new Lobby();
  expect(await lobby.wait(5, 5, patient)).toBe(false);
  expect(await lobby.wait(LATER, 0, AbortSignal.abort())).toBe(false);
});

test("a client that leaves waits no longer", async () => {
  const lobby = new Lobby();
  const client = new AbortController();
  const wait = lobby.wait(LATER, 0, client.signal);
  client.abort();
  expect(await wait).toBe(false);
  expect(lobby.size).toBe(0);
});

test("the wait has an end", async () => {
  const lobby = new Lobby();
  expect(await lobby.wait(2, 1, patient)).toBe(false);
});

test("no more than so many wait", async () => {
  const lobby = new Lobby();
  const waits = Array.from({ length: LIMITS.maxParked }, () => lobby.wait(LATER, 0, patient));
  expect(await lobby.wait(LATER, 0, patient)).toBe(false);
  lobby.open();
  expect(new Set(await Promise.all(waits))).toEqual(new Set([true]));
});

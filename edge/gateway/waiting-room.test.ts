import { expect, test } from "vitest";
import { WaitingRoom } from "./waiting-room.ts";

test("one address gets so many places and no more, until one of its own leaves", () => {
  const room = new WaitingRoom();
  const places = Array.from({ length: 32 }, () => room.enter("a"));
  expect(places).not.toContain(undefined);
  expect(room.enter("a")).toBeUndefined();
  expect(room.enter("b")).toBeDefined();
  places[0]?.();
  expect(room.enter("a")).toBeDefined();
  expect(room.enter("a")).toBeUndefined();
});

test("all addresses together get so many places and no more", () => {
  const room = new WaitingRoom();
  const places = Array.from({ length: 256 }, (_v, index) => room.enter(`a${index}`));
  expect(places).not.toContain(undefined);
  expect(room.enter("another")).toBeUndefined();
  places[7]?.();
  expect(room.enter("another")).toBeDefined();
});

import { expect, test } from "vitest";
import { concat, toHex } from "../bytes.ts";
import { rawSignature } from "./der.ts";

const high = new Uint8Array(32).fill(0xf1);
const low = new Uint8Array(32).fill(0x11);

function integer(...parts: readonly Uint8Array[]): Uint8Array {
  const number = concat(parts);
  return concat([new Uint8Array([0x02, number.byteLength]), number]);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  const all = concat(parts);
  return concat([new Uint8Array([0x30, all.byteLength]), all]);
}

const zero = new Uint8Array(1);
const tail = new Uint8Array([0x7f]);

test.each([
  ["two long numbers", sequence(integer(zero, high), integer(low)), [high, low]],
  ["two with a zero in front", sequence(integer(zero, high), integer(zero, high)), [high, high]],
  ["a short one", sequence(integer(tail), integer(low)), [concat([new Uint8Array(31), tail]), low]],
])("%s become r and s", (_name, der, numbers) => {
  expect(toHex(rawSignature(der) ?? zero)).toBe(toHex(concat(numbers)));
});

test.each([
  ["empty", new Uint8Array()],
  ["a head alone", new Uint8Array([0x30])],
  [
    "of another kind",
    concat([new Uint8Array([0x31]), sequence(integer(low), integer(low)).slice(1)]),
  ],
  ["cut short", sequence(integer(low), integer(low)).slice(0, -1)],
  ["too long by a byte", concat([sequence(integer(low), integer(low)), zero])],
  [
    "of another length than it says",
    concat([new Uint8Array([0x30, 0x30]), sequence(integer(low), integer(low)).slice(2)]),
  ],
  ["one number", sequence(integer(low))],
  ["three numbers", sequence(integer(low), integer(low), integer(tail))],
  ["a negative number", sequence(integer(high), integer(low))],
  ["a needless zero in front", sequence(integer(zero, low), integer(low))],
  ["the number zero", sequence(integer(zero), integer(low))],
  ["an empty number", sequence(integer(), integer(low))],
  ["a number too long", sequence(integer(tail, low), integer(low))],
  [
    "a length in the long form",
    concat([new Uint8Array([0x30, 0x81, 68]), sequence(integer(low), integer(low)).slice(2)]),
  ],
  ["a length that reaches beyond", new Uint8Array([0x30, 0x04, 0x02, 0x7f, 0x01, 0x02])],
  ["no number", sequence(new Uint8Array([0x04, 0x01, 0x01]), integer(low))],
])("a signature that is %s is none", (_name, der) => {
  expect(rawSignature(der)).toBeUndefined();
});

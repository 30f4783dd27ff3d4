import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { concat, utf8 } from "../bytes.ts";
import { MessageAssembler } from "./message-assembler.ts";

const MORE = { fin: false, text: false };
const LAST = { fin: true, text: false };

test("a message in one fragment is handed on as it is", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(new MessageAssembler(10).add(bytes, LAST)).toEqual({ message: bytes });
});

test("text is cut anywhere, also within a character", () => {
  const bytes = utf8("a€😀b");
  for (let cut = 0; cut <= bytes.byteLength; cut += 1) {
    const assembler = new MessageAssembler(100);
    expect(assembler.add(bytes.subarray(0, cut), { fin: false, text: true })).toBe("partial");
    const whole = assembler.add(bytes.subarray(cut), { fin: true, text: true });
    expect(whole).toEqual({ message: "a€😀b" });
  }
});

test("malformed text becomes replacement characters, not an exception", () => {
  const whole = new MessageAssembler(10).add(Uint8Array.of(0xc3, 0x28), { fin: true, text: true });
  expect(whole).toEqual({ message: "\ufffd(" });
});

test("messages cut at random come out as they went in", () => {
  const random = new Random(7);
  const assembler = new MessageAssembler(10_000);
  for (let round = 0; round < 500; round += 1) {
    const fragments = Array.from({ length: random.between(1, 8) }, () =>
      random.bytes(random.size(1_000)),
    );
    fragments.slice(0, -1).forEach((part) => expect(assembler.add(part, MORE)).toBe("partial"));
    const whole = assembler.add(fragments.at(-1) ?? new Uint8Array(0), LAST);
    expect(whole).toEqual({ message: concat(fragments) });
  }
});

test.each([
  ["at the bound", [5, 5], { message: new Uint8Array(10) }],
  ["one over it, at once", [11], "too_large"],
  ["one over it, in fragments", [5, 5, 1], "too_large"],
  ["nothing at all", [0], { message: new Uint8Array(0) }],
  ["nothing, in many fragments", [0, 0, 0], { message: new Uint8Array(0) }],
])("%s", (_name, sizes, outcome) => {
  const assembler = new MessageAssembler(10);
  const results = sizes.map((size, index) =>
    assembler.add(new Uint8Array(size), { fin: index === sizes.length - 1, text: false }),
  );
  expect(results.at(-1)).toEqual(outcome);
});

test("fragments are copied: what they were part of is not kept", () => {
  const assembler = new MessageAssembler(10);
  const message = Uint8Array.of(1, 2, 3, 4);
  assembler.add(message.subarray(0, 2), MORE);
  message.fill(9);
  expect(assembler.add(Uint8Array.of(5), LAST)).toEqual({ message: Uint8Array.of(1, 2, 5) });
});

test("a piece of another kind within a message is none of it", () => {
  const assembler = new MessageAssembler(100);
  expect(assembler.add(Uint8Array.of(1), { fin: false, text: false, kind: 1 })).toBe("partial");
  expect(assembler.add(Uint8Array.of(2), { fin: true, text: false, kind: 2 })).toBe("mixed");
});

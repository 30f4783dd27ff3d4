import { expect, test } from "vitest";
import { ResponseReader } from "./response-reader.ts";

const RESPONSES: readonly (readonly [string, string, number, string])[] = [
  ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"],
  ["an empty body", "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", 204, ""],
  [
    "chunks",
    "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nb\r\n, big world\r\n0\r\n\r\n",
    201,
    "hello, big world",
  ],
];

test.each(RESPONSES)(
  "a response with %s is read however it is cut",
  (_name, wire, status, body) => {
    const bytes = Buffer.from(wire);
    for (let size = 1; size <= bytes.length; size += 1) {
      let text = "";
      const reader = new ResponseReader((part) => {
        text += part.toString();
      });
      const ends: boolean[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        ends.push(reader.push(bytes.subarray(at, at + size)));
      }
      expect(ends.indexOf(true)).toBe(ends.length - 1);
      expect([reader.status, text]).toEqual([status, body]);
    }
  },
);

test.each([
  ["another protocol", "HTTP/1.0 200 OK\r\n\r\n"],
  ["no length", "HTTP/1.1 200 OK\r\n\r\n"],
  ["a chunk size that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
])("%s is an error", (_name, wire) => {
  expect(() => new ResponseReader(() => {}).push(Buffer.from(wire))).toThrow(Error);
});

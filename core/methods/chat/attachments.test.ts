import { expect, test } from "vitest";
import { attached, Attachments } from "./attachments.ts";

const PNG = Buffer.from("89504e470d0a1a0a", "hex").toString("base64");
const text = (said: string): string => Buffer.from(said).toString("base64");

test("pictures are data for the model, texts stand in the message", () => {
  const all = attached([
    { mimeType: "image/png", content: PNG },
    { content: `data:image/webp;base64,${PNG}` },
    { mimeType: "text/plain; charset=utf-8", fileName: 'a "b".txt', content: text("Grüezi") },
  ]);
  expect(all.images).toEqual([
    { mediaType: "image/png", data: PNG },
    { mediaType: "image/webp", data: PNG },
  ]);
  expect(all.text).toBe('<file name="a \\"b\\".txt">\nGrüezi\n</file>');
});

test.each([
  ["no content", { mimeType: "image/png" }],
  ["bytes that are none", { mimeType: "image/png", content: "%%%" }],
  ["an object", { mimeType: "image/png", content: { data: PNG } }],
  ["a type nobody takes", { mimeType: "application/zip", content: PNG }],
  ["no type at all", { content: PNG }],
  ["a picture as a script", { mimeType: "image/svg+xml", content: PNG }],
  ["too much", { mimeType: "image/png", content: "A".repeat(7_000_000) }],
  ["a long text", { mimeType: "text/plain", content: text("x".repeat(200_001)) }],
])("%s is refused", (_what, attachment) => {
  expect(() => attached([attachment])).toThrow(
    expect.objectContaining({ details: { code: "ATTACHMENT_UNSUPPORTED" } }),
  );
});

test("no message has more of them than it may", () => {
  const many = Array.from({ length: 11 }, () => ({ content: PNG }));
  expect(Attachments.safeParse(many).success).toBe(false);
  expect(attached()).toEqual({ images: [], text: "" });
});

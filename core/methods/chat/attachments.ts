/** What comes with a message, as a model can be given it. Pure. */
import * as z from "zod";
import type { Image } from "../../store/message.ts";
import { MethodError } from "../method.ts";

/** With more, a person means something else than a message. */
const MAX_ATTACHMENTS = 10;
/** Of one, decoded: what providers take of a picture. */
const MAX_ATTACHMENT_BYTES = 5 * 1024 * 1024;
/** Of a text that stands in the message: a quarter of a common context. */
const MAX_TEXT_UNITS = 200_000;

export const Attachments = z
  .array(
    z.looseObject({
      type: z.string().optional(),
      mimeType: z.string().optional(),
      fileName: z.string().max(512).optional(),
      content: z.unknown().optional(),
    }),
  )
  .max(MAX_ATTACHMENTS)
  .optional();
type Attachment = NonNullable<z.output<typeof Attachments>>[number];

const MediaType = z.enum(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export interface Attached {
  readonly images: readonly Image[];
  /** Of texts that came along; empty: none. */
  readonly text: string;
}

/** @throws MethodError for what no model of ours can be given. */
export function attached(attachments: readonly Attachment[] = []): Attached {
  const images: Image[] = [];
  const texts: string[] = [];
  for (const one of attachments) {
    const { data, mimeType } = contentOf(one);
    const mediaType = MediaType.safeParse(mimeType);
    if (mediaType.success) images.push({ mediaType: mediaType.data, data });
    else if (/^text\/|^application\/json$/.test(mimeType)) texts.push(textOf(one, data));
    else throw refused(one, `attachments of type ${mimeType} are not supported`);
  }
  return { images, text: texts.join("\n\n") };
}

function contentOf(one: Attachment): { data: string; mimeType: string } {
  const content = typeof one.content === "string" ? one.content : "";
  const url = /^data:(?<type>[^;,]+);base64,/.exec(content);
  const data = content.slice(url?.[0].length ?? 0).replaceAll(/\s/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) {
    throw refused(one, "attachment content must be base64");
  }
  if ((data.length * 3) / 4 > MAX_ATTACHMENT_BYTES) {
    throw refused(one, `attachment exceeds ${MAX_ATTACHMENT_BYTES} bytes`);
  }
  const [mimeType = ""] = (one.mimeType ?? url?.groups?.["type"] ?? "").split(";");
  return { data, mimeType: mimeType.trim().toLowerCase() };
}

function textOf(one: Attachment, data: string): string {
  const text = Buffer.from(data, "base64").toString("utf8");
  if (text.length > MAX_TEXT_UNITS) throw refused(one, "attached text is too long");
  return `<file name=${JSON.stringify(one.fileName ?? "attachment")}>\n${text}\n</file>`;
}

function refused({ fileName }: Attachment, why: string): MethodError {
  const named = fileName === undefined ? why : `${fileName}: ${why}`;
  return new MethodError("INVALID_REQUEST", named, { code: "ATTACHMENT_UNSUPPORTED" });
}

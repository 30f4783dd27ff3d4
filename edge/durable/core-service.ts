import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { LIMITS } from "../../shared/limits.ts";
import { concat, fromUtf8 } from "../../shared/bytes.ts";
import { encodeFields, type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { logLine } from "../log.ts";

/** Answers a stream that the core opened: `PUT /bundle` is all it may ask for. */
export function serveCore(
  stream: Stream,
  fields: Fields,
  publish: (bundle: EdgeBundle) => void,
): void {
  const known = fieldOf(fields, ":method") === "PUT" && fieldOf(fields, ":path") === "/bundle";
  if (stream.kind !== "http" || !known) {
    stream.listen(() => undefined);
    answer(stream, 404);
    return;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  stream.listen((event) => {
    if (event.type === "data") {
      bytes += event.bytes.byteLength;
      chunks.push(event.bytes);
      stream.consume(event.bytes.byteLength);
      if (bytes > LIMITS.maxBundleBytes) stream.reset(ResetCode.tooLarge, "bundle too large");
    } else if (event.type === "end") {
      const bundle = EdgeBundle.safeParse(parseJson(fromUtf8(concat(chunks))));
      if (bundle.success) publish(bundle.data);
      // Issue paths only: a value could be a digest.
      else
        logLine("warn", { event: "bad_bundle", paths: bundle.error.issues.map(pathOf).join(" ") });
      answer(stream, bundle.success ? 204 : 422);
    }
  });
}

function answer(stream: Stream, status: number): void {
  const head = encodeFields([[":status", String(status)]]);
  if (head.ok) stream.sendHead(head.value, true);
  stream.stop();
}

function pathOf(issue: { readonly path: readonly PropertyKey[] }): string {
  return issue.path.map(String).join(".");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not a bundle: the schema says so.
    return undefined;
  }
}

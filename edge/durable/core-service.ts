import * as z from "zod/mini";
import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { LIMITS } from "../../shared/limits.ts";
import { concat, fromUtf8, utf8 } from "../../shared/bytes.ts";
import { encodeFields, type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import { kidOf } from "../../shared/tunnel/handshake.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { logLine } from "../log.ts";
import { Lead } from "./greeting.ts";
import type { SpoolAnswer } from "./spool-service.ts";
import { jsonOrUndefined } from "../../shared/json.ts";

/** Why a bundle was not taken. */
export type NotPublished = "not_leader" | "no_seal_key";

/** What a core may ask of the relay. Each says why not, for people. */
export interface CoreRequests {
  publish(bundle: EdgeBundle): Promise<NotPublished | undefined>;
  lead(store: string, epoch: number): string | undefined;
  state(): object;
  /** What begins with `/spool`; undefined: no such request. */
  spool(request: {
    readonly method: string;
    readonly path: string;
    readonly body: unknown;
  }): SpoolAnswer | undefined;
  keys(): object;
  addKey(key: { readonly kid: string; readonly publicKey: string }): string | undefined;
  revokeKey(kid: string): "unknown_key" | "last_key" | undefined;
}

interface Answer {
  readonly status: number;
  readonly body?: object;
}

const Key = z.object({ publicKey: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)) });
const KEY_PATH = /^\/keys\/(?<kid>[A-Za-z0-9_-]{8,128})$/;

/** Answers a stream that the core opened: the table of protocol.md, section 12. */
export function serveCore(stream: Stream, fields: Fields, requests: CoreRequests): void {
  const method = fieldOf(fields, ":method") ?? "";
  const path = fieldOf(fields, ":path") ?? "";
  if (stream.kind !== "http") {
    stream.listen(() => undefined);
    stream.reset(ResetCode.protocol, "cores open requests only");
    return;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  stream.listen((event) => {
    if (event.type === "data") {
      bytes += event.bytes.byteLength;
      chunks.push(event.bytes);
      stream.consume(event.bytes.byteLength);
      if (bytes > LIMITS.maxBundleBytes) stream.reset(ResetCode.tooLarge, "body too large");
    } else if (event.type === "end") {
      const body = jsonOrUndefined(fromUtf8(concat(chunks)));
      respond({ method, path, body }, requests)
        .then((answer) => send(stream, answer))
        .catch((error: unknown) => {
          logLine("error", { event: "core_request_failed", method, path, err: String(error) });
          stream.reset(ResetCode.coreError, "the relay failed");
        });
    }
  });
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

async function respond(asked: Asked, requests: CoreRequests): Promise<Answer> {
  const { body } = asked;
  switch (`${asked.method} ${asked.path}`) {
    case "PUT /bundle":
      return publish(body, requests);
    case "PUT /lead": {
      const lead = Lead.safeParse(body);
      if (!lead.success) return refusal(422, "store and epoch are missing");
      return conflictOr204(requests.lead(lead.data.store, lead.data.epoch));
    }
    case "GET /state":
      return { status: 200, body: requests.state() };
    case "GET /keys":
      return { status: 200, body: requests.keys() };
    case "PUT /keys": {
      const key = Key.safeParse(body);
      if (!key.success) return refusal(422, "publicKey is no Ed25519 key");
      const { publicKey } = key.data;
      return conflictOr204(requests.addKey({ publicKey, kid: await kidOf(publicKey) }));
    }
    default:
      return asked.path.startsWith("/spool")
        ? (requests.spool(asked) ?? NO_SUCH_REQUEST)
        : revoke(asked, requests);
  }
}

async function publish(body: unknown, requests: CoreRequests): Promise<Answer> {
  const bundle = EdgeBundle.safeParse(body);
  if (bundle.success) {
    const refused = await requests.publish(bundle.data);
    return refused === undefined ? { status: 204 } : NOT_PUBLISHED[refused];
  }
  // Issue paths only: a value could be a digest.
  const paths = bundle.error.issues.map(pathOf).join(" ");
  logLine("warn", { event: "bad_bundle", paths });
  return refusal(422, `not a bundle: ${paths}`.slice(0, 1_000));
}

const NO_SUCH_REQUEST = refusal(404, "no such request");

/** Only `not_leader` is 409: to a core that means that another one works. */
const NOT_PUBLISHED: Readonly<Record<NotPublished, Answer>> = {
  not_leader: refusal(409, "another core leads"),
  no_seal_key: refusal(
    422,
    "this edge has no key to keep webhook secrets with: deploy it again with sallyport edge deploy, or set its secret SEAL_KEY to 32 random bytes as URL-safe base64",
  ),
};

function revoke({ method, path }: Asked, requests: CoreRequests): Answer {
  const kid = KEY_PATH.exec(path)?.groups?.["kid"];
  if (method !== "DELETE" || kid === undefined) return NO_SUCH_REQUEST;
  const refused = requests.revokeKey(kid);
  if (refused === undefined) return { status: 204 };
  return refused === "unknown_key"
    ? refusal(404, "no such key")
    : refusal(409, "this is the only key: add another before you revoke it");
}

function conflictOr204(reason: string | undefined): Answer {
  return reason === undefined ? { status: 204 } : refusal(409, reason);
}

function refusal(status: number, detail: string): Answer {
  return { status, body: { detail } };
}

function send(stream: Stream, { status, body }: Answer): void {
  const type: Fields = body === undefined ? [] : [["content-type", "application/json"]];
  const head = encodeFields([[":status", String(status)], ...type]);
  if (!head.ok) return;
  stream.sendHead(head.value, body === undefined);
  if (body !== undefined) {
    stream.write(utf8(JSON.stringify(body)));
    stream.end();
  }
  stream.stop();
}

function pathOf(issue: { readonly path: readonly PropertyKey[] }): string {
  return issue.path.map(String).join(".");
}

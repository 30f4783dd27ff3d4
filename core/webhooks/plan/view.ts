/** One event of a webhook as conditions and templates see it. Pure. */
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { senderJson } from "../../../shared/ingress/sender-json.ts";

/** Fields of a form that are read; senders fill in a few dozen. */
const MAX_FIELDS = 1_000;

export interface WebhookView {
  readonly route: string;
  readonly headers: Headers;
  /** Of the address, with its `?`; or empty. */
  readonly query: string;
  /** Unix ms. */
  readonly receivedAt: number;
  /** JSON, or the fields of a form; undefined: the body is neither, or nested as no sender nests. */
  readonly document: unknown;
  /** The body as text. */
  readonly text: string;
}

/** What a view is made of. */
export interface ViewSource {
  readonly route: string;
  readonly headers: Headers;
  readonly query: string;
  readonly receivedAt: number;
  readonly body: Uint8Array;
}

/** The webhook as a whole; read when first looked at, for a long body may never be. */
export function viewOf({ body, ...rest }: ViewSource): WebhookView {
  let text: string | undefined;
  let document: { readonly value: unknown } | undefined;
  const textOf = (): string => (text ??= fromUtf8(body));
  return {
    ...rest,
    get text() {
      return textOf();
    },
    get document() {
      const contentType = rest.headers.get("Content-Type") ?? "";
      document ??= { value: documentOf(textOf(), body, contentType) };
      return document.value;
    },
  };
}

/** The same with one event in it. @param value - `undefined`: the whole body is that event. */
export function viewOfEvent(whole: WebhookView, value: unknown): WebhookView {
  if (value === undefined) return whole;
  const { route, headers, query, receivedAt } = whole;
  return { route, headers, query, receivedAt, document: value, text: JSON.stringify(value) };
}

function documentOf(text: string, body: Uint8Array, contentType: string): unknown {
  const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType);
  // What `curl -d` calls a form unless it is told otherwise: no form begins like that.
  if (!isForm || /^\s*[{[]/.test(text)) return senderJson(body);
  const fields = [...new URLSearchParams(text)].slice(0, MAX_FIELDS);
  // Some senders (Slack, GitHub) put their JSON into one field.
  const read = fields.map(([name, value]): [string, unknown] => [
    name,
    name === "payload" ? (senderJson(utf8(value)) ?? value) : value,
  ]);
  return Object.fromEntries(read);
}

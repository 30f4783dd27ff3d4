/** What is tried with every sender, whoever it is. */
import type { Delivery } from "../../../core/tunnel/handlers.ts";
import type { Answer, Draft, Sender, Sent, SentEvent, SentItem } from "./sender.ts";
import { flipped } from "./signing.ts";

/** Longer than any sender's clock may be off, and than any web token lives. */
const FAR_MS = 2 * 3_600_000;

/** A webhook to `url`, now and by the first of the live secrets, unless told otherwise. */
export function attempt(url: string, change: Partial<Draft> = {}): Draft {
  return { url, at: Date.now(), key: "first", ...change };
}

export async function answerOf(response: Response): Promise<Answer> {
  const type = response.headers.get("Content-Type");
  return {
    status: response.status,
    // Parameters are a matter of taste.
    ...(type === null ? {} : { contentType: type.split(";")[0] ?? type }),
    body: await response.text(),
  };
}

export interface Forgery {
  readonly what: string;
  readonly sent: Sent;
}

/** What a stranger, or a thief of an old webhook, may try. */
export async function forgeries(
  sender: Sender,
  draft: (change: Partial<Draft>) => Draft,
): Promise<Forgery[]> {
  const genuine = await sender.send(91, draft({}));
  const found: Forgery[] = [
    {
      what: "no proof",
      sent: { ...genuine, headers: bare(genuine), body: unsigned(sender, genuine) },
    },
    { what: "a stranger's secret", sent: await sender.send(91, draft({ key: "stranger" })) },
  ];
  if (sender.tamper !== undefined) {
    found.push({ what: "another body", sent: sender.tamper(genuine) });
  }
  if (sender.tamper === flipped) {
    const { body } = await sender.send(92, draft({}));
    found.push({ what: "the signature of another", sent: { ...genuine, body } });
  }
  if (sender.signsTime) {
    const now = Date.now();
    found.push(
      { what: "an old one", sent: await sender.send(91, draft({ at: now - FAR_MS })) },
      { what: "one of the future", sent: await sender.send(91, draft({ at: now + FAR_MS })) },
    );
  }
  return found;
}

function bare({ headers }: Sent): Record<string, string> {
  return { "Content-Type": headers["Content-Type"] ?? "application/json" };
}

/** Where the signature stands in the body, it is not enough to leave out headers. */
function unsigned({ scheme }: Sender, { body }: Sent): Uint8Array<ArrayBuffer> {
  if (scheme !== "adyen") return body;
  return new Uint8Array(Buffer.from(String(Buffer.from(body)).replaceAll("hmacSignature", "none")));
}

/** The items of a delivery as the sender speaks of them; an id that it knows nothing of is undefined. */
export function itemsOf(
  { name }: Sender,
  delivery: Delivery | undefined,
  sent: SentEvent | undefined,
): SentItem[] | undefined {
  return delivery?.items.map(({ id, lane }, index) => ({
    id:
      sent?.items[index]?.id === undefined && id.startsWith(`${name}:`)
        ? undefined
        : without(name, id),
    lane: lane === name ? "" : without(name, lane),
  }));
}

function without(name: string, text: string): string {
  return text.startsWith(`${name}:`) ? text.slice(name.length + 1) : `not of ${name}: ${text}`;
}

/** What senders are answered with, made so that no browser ever takes it for a page. */

/** A 200 without a word. */
export function emptyAnswer(): Response {
  return new Response(null, { status: 200 });
}

/** What a sender has sent to be sent back. */
export function echo(text: string): Response {
  const headers = { "Content-Type": "text/plain; charset=utf-8", ...NO_SNIFFING };
  return new Response(text, { status: 200, headers });
}

/** An answer that the sender reads. */
export function jsonAnswer(body: unknown): Response {
  return Response.json(body, { headers: NO_SNIFFING });
}

const NO_SNIFFING = { "X-Content-Type-Options": "nosniff" } as const;

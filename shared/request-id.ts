const ACCEPTED = /^[A-Za-z0-9._-]{8,64}$/;

/** The caller's own id when it is harmless in a log line, otherwise a fresh one. */
export function requestId(given: string | null | undefined): string {
  return given !== null && given !== undefined && ACCEPTED.test(given)
    ? given
    : crypto.randomUUID();
}

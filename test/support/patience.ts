/**
 * How long a test waits for what must come, in ms. Success ends the wait at once, so only a failure
 * takes this long: it is made for a machine that has other work too, not for a fast answer.
 */
export const PATIENCE_MS = 20_000;

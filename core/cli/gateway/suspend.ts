import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { nobodyAt } from "../nobody.ts";
import { type Target, targetOf, TARGET_OPTIONS } from "../target.ts";
import { phaseIn } from "./suspended.ts";

/** Whose suspension it is, unless somebody says otherwise: so whoever types it can end it. */
const REQUEST_ID = "sallyport gateway suspend";
/** Turns are over by then, or they hang. */
const DEFAULT_WAIT_MS = 300_000;
/** Each look has the suspension last ten minutes anew, so it never ends while somebody waits. */
const MAX_WAIT_MS = 3_600_000;

const OPTIONS = {
  ...TARGET_OPTIONS,
  drain: { type: "boolean" },
  wait: { type: "string" },
  "request-id": { type: "string" },
  json: { type: "boolean" },
} as const;

const Flags = z.object({
  wait: z.coerce.number().int().min(0).max(MAX_WAIT_MS).default(DEFAULT_WAIT_MS),
  "request-id": z.string().trim().min(1).max(128).default(REQUEST_ID),
});

const Blockers = z.array(z.object({ message: z.string() }));
const Prepared = z.discriminatedUnion("status", [
  z.looseObject({ status: z.literal("ready"), suspensionId: z.string(), expiresAtMs: z.number() }),
  z.looseObject({
    status: z.literal("draining"),
    suspensionId: z.string(),
    expiresAtMs: z.number(),
    // Whatever a gateway says, it is neither stormed nor forgotten.
    retryAfterMs: z.number().min(100).max(10_000).catch(1_000),
    blockers: Blockers,
  }),
  z.looseObject({ status: z.literal("busy"), reason: z.string(), blockers: Blockers }),
]);
type Prepared = z.output<typeof Prepared>;

const Resumed = z.looseObject({ resumed: z.boolean() });

/** Has a gateway take no new work, so that its machine can be put to sleep, moved or updated. */
export async function gatewaySuspend(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  if (positionals.length > 0) throw misused("gateway suspend takes flags alone");
  const { wait: waitMs, "request-id": requestId } = flagsIn(values);
  const target = await targetOf(values, io);
  const order = { requestId, drain: values.drain === true };
  const json = values.json === true;
  let prepared = await prepare(target, order, io);
  if (prepared.status === "draining" && !json) io.err(`waits for ${workOf(prepared)}`);
  const givesUpAt = performance.now() + waitMs;
  while (prepared.status === "draining" && performance.now() < givesUpAt) {
    await pause(prepared.retryAfterMs, undefined, { signal: io.stop }).catch(() => undefined);
    // Whoever is told to stop leaves it as it is: it ends by itself.
    if (io.stop.aborted) break;
    prepared = await prepare(target, order, io);
  }
  const isReady = prepared.status === "ready";
  if (json) io.out(JSON.stringify({ ok: isReady, ...prepared }));
  else if (isReady) io.out(describe(prepared));
  else io.err(`sallyport: ${describe(prepared)}`);
  return isReady ? 0 : 1;
}

/** Has it take work again. */
export async function gatewayResume(args: readonly string[], io: Io): Promise<number> {
  const { drain: _drain, wait: _wait, ...options } = OPTIONS;
  const { values, positionals } = parseFlags(args, options);
  const [id, ...more] = positionals;
  if (more.length > 0) throw misused("gateway resume takes one id, or none");
  const { "request-id": requestId } = flagsIn(values);
  const payload = await resume(await targetOf(values, io), { id, requestId }, io);
  if (values.json === true) io.out(JSON.stringify(payload));
  else io.out(Resumed.parse(payload).resumed ? "takes work again" : "it was not suspended");
  return 0;
}

async function prepare(
  target: Target,
  order: { readonly requestId: string; readonly drain: boolean },
  { stop }: Io,
): Promise<Prepared> {
  const { askGateway } = await import("../client.ts");
  return Prepared.parse(await askGateway(target, "gateway.suspend.prepare", order, { stop }));
}

/** @throws GatewayError conflict when it is somebody else's, whose id was not named. */
async function resume(
  target: Target,
  { id, requestId }: { readonly id: string | undefined; readonly requestId: string },
  { stop }: Io,
): Promise<unknown> {
  const { openGateway } = await import("../client.ts");
  using line = await openGateway(target, { stop });
  if (line === undefined) {
    throw nobodyAt(target);
  }
  const end = (suspensionId: string) => line.call("gateway.suspend.resume", { suspensionId });
  // Awaited here: the line is hung up when this returns.
  if (id !== undefined) return await end(id);
  if (phaseIn(line.hello) === "accepting") return { ok: true, status: "running", resumed: false };
  // Whoever asks for the same one again is told its id.
  const held = Prepared.parse(
    await line.call("gateway.suspend.prepare", { requestId, drain: true }),
  );
  if (held.status !== "busy") return await end(held.suspensionId);
  throw new GatewayError("conflict", `${SOMEBODY_ELSES}: name its id`);
}

const SOMEBODY_ELSES =
  "somebody else has suspended it, until they resume it or ten minutes after they last asked";

function describe(prepared: Prepared): string {
  switch (prepared.status) {
    case "ready": {
      const until = new Date(prepared.expiresAtMs).toISOString();
      return `suspended until ${until} (${prepared.suspensionId}); sallyport gateway resume ends it sooner`;
    }
    case "draining":
      return `still waits for ${workOf(prepared)}: it takes no new work until ${new Date(prepared.expiresAtMs).toISOString()}, or sallyport gateway resume`;
    case "busy":
      return prepared.reason === "active-work"
        ? `not suspended: ${workOf(prepared)}; --drain takes no new work and waits for the end of this`
        : `not suspended: ${SOMEBODY_ELSES}`;
  }
}

/** What is under way, in the gateway's words. */
function workOf({ blockers }: { readonly blockers: z.output<typeof Blockers> }): string {
  return blockers.map(({ message }) => printable(message)).join(", ");
}

function flagsIn(values: object): z.output<typeof Flags> {
  const parsed = Flags.safeParse(values);
  if (parsed.success) return parsed.data;
  const name = parsed.error.issues[0]?.path.join(".") ?? "";
  throw misused(
    name === "wait"
      ? `--wait must be a number of milliseconds up to ${MAX_WAIT_MS}`
      : "--request-id must have 1 to 128 characters",
  );
}

function misused(what: string): GatewayError {
  return new GatewayError("invalid_request", `${what}; try --help`);
}

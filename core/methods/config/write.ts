import * as z from "zod";
import { changedPaths } from "../../config/changes.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { parseText } from "../../config/file/parse.ts";
import { type ConfigSnapshot, issuesOf } from "../../config/file/snapshot.ts";
import { parsePath } from "../../config/write/path.ts";
import type { ConfigChange, WriteFault, WriteOutcome } from "../../config/write/writer.ts";
import { type CallContext, type Method, MethodError, type NamedMethod } from "../method.ts";
import { pathTexts } from "./answer.ts";
import type { ConfigMethodParts } from "./parts.ts";
import { describeRestart } from "../system/restart.ts";
import { WriteRate } from "./rate.ts";

const Raw = z.string().min(1);
const Hash = z.string().min(1).optional();

const SetParams = z.strictObject({ raw: Raw, baseHash: Hash });
/** What is to be told, and where, after a restart: accepted, and told nowhere. */
const Aftermath = {
  sessionKey: z.string().optional(),
  deliveryContext: z
    .strictObject({
      channel: z.string().optional(),
      to: z.string().optional(),
      accountId: z.string().optional(),
      threadId: z.union([z.string(), z.number()]).optional(),
    })
    .optional(),
  note: z.string().optional(),
  restartDelayMs: z.int().min(0).optional(),
};
const ApplyParams = z.strictObject({ raw: Raw, baseHash: Hash, ...Aftermath });
const PatchParams = ApplyParams.extend({
  replacePaths: z.array(z.string().min(1)).max(256).default([]),
});

/** Writing the config. */
export function writeMethods(parts: ConfigMethodParts): readonly NamedMethod[] {
  const rate = new WriteRate();
  const method = (name: string, changeOf: (params: unknown) => Asked): NamedMethod => {
    const call = async (params: unknown, context: CallContext): Promise<unknown> => {
      const asked = changeOf(params);
      rate.spend(callerOf(context), name, parts.now());
      return write(name, asked, parts, context.patience);
    };
    return [name, { scope: "operator.admin", call } satisfies Method];
  };
  return [
    method("config.set", (params) => whole(SetParams.parse(params))),
    method("config.apply", (params) => whole(ApplyParams.parse(params))),
    method("config.patch", (params) => partial(PatchParams.parse(params))),
  ];
}

/** A change, and what it was made for. */
interface Asked {
  readonly change: ConfigChange;
  readonly baseHash: string | undefined;
}

function whole({ raw, baseHash }: z.output<typeof SetParams>): Asked {
  return { change: { kind: "text", text: raw }, baseHash };
}

function partial({ raw, baseHash, replacePaths }: z.output<typeof PatchParams>): Asked {
  const patch = parseText(raw, "raw");
  if (!patch.ok) throw new MethodError("INVALID_REQUEST", configErrorText(patch.error));
  const paths = replacePaths.map((text) => {
    const path = parsePath(text);
    if (path.ok) return path.value.join(".");
    throw new MethodError("INVALID_REQUEST", `invalid config.patch params: ${path.error}`);
  });
  return {
    change: { kind: "merge", patch: patch.value, mayReplace: new Set(paths) },
    baseHash,
  };
}

async function write(
  name: string,
  { change, baseHash }: Asked,
  { settings, reload, beginsAnew, announce, pendingRestart }: ConfigMethodParts,
  patience: AbortSignal,
): Promise<unknown> {
  const writer = await settings().openWriter();
  if (baseHash === undefined && (await writer.exists())) {
    const message = "config base hash required; re-run config.get and retry";
    throw new MethodError("INVALID_REQUEST", message);
  }
  const before = await writer.read();
  const written = await writer.write({ change, baseHash });
  if (!written.ok) throw refusal(written.error);
  const { changed, hash, tree } = written.value;
  // A restart waits for calls under way, and this is one: it waits for no restart.
  const restarts = beginsAnew(changedPaths(before, tree));
  if (changed && !restarts) await Promise.race([reload(), whenAborted(patience)]);
  if (changed) announce(hash);
  const isOn = settings().config.gateway.reload.mode !== "off";
  const { pendingRestart: pending } = describeRestart(pendingRestart());
  // It is known to the gateway in a moment; to whoever has asked, now.
  const restart = pending ?? (changed && restarts && isOn ? { phase: "scheduled" } : undefined);
  return { ...answer(name, written.value, await writer.snapshot()), ...(restart && { restart }) };
}

/** A restart that goes on already takes the change over, and waits for this call to end. */
function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function answer(
  name: string,
  outcome: WriteOutcome,
  { path, resolved: config }: ConfigSnapshot,
): object {
  const { changed, hash, warnings, paths } = outcome;
  return {
    ok: true,
    ...(changed ? {} : { noop: true }),
    path,
    config,
    hash,
    ...(name === "config.patch" ? { changedPaths: pathTexts(paths) } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

function refusal(fault: WriteFault): MethodError {
  if (fault.reason === "conflict") {
    const message = "config changed since last load; re-run config.get and retry";
    return new MethodError("INVALID_REQUEST", message);
  }
  if (fault.reason === "refused") return new MethodError("INVALID_REQUEST", fault.message);
  const issues = issuesOf(fault);
  const [first] = issues;
  const where = first === undefined || first.path === "" ? "" : `${first.path}: `;
  return new MethodError("INVALID_REQUEST", `invalid config: ${where}${first?.message ?? ""}`, {
    issues,
  });
}

/** Who writes: a device at an address. */
function callerOf({ client }: CallContext): string {
  return `${client.deviceId ?? client.clientId}\0${client.ip}`;
}

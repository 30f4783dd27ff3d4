import * as z from "zod";
import type { CronScratch } from "../../store/cron-job.ts";
import type { NamedMethod } from "../method.ts";
import { idAndRest } from "./input.ts";
import { found } from "./found.ts";
import type { CronMethodParts } from "./parts.ts";

/** UTF-8 bytes of the notes of one job; each job has one. */
const MAX_BYTES = 64 * 1024;

const Content = z
  .string()
  .max(MAX_BYTES)
  .refine((text) => Buffer.byteLength(text) <= MAX_BYTES, `must not exceed ${MAX_BYTES} bytes`)
  .nullable();
const SetScratch = z.strictObject({
  content: Content,
  expectedRevision: z.int().min(0).optional(),
});
const Nothing = z.strictObject({});

/** `cron.scratch.*`: private notes of a job, for people and for its runs. */
export function scratchMethods(parts: CronMethodParts): readonly NamedMethod[] {
  return [
    ["cron.scratch.get", { scope: "operator.admin", call: (params) => get(parts, params) }],
    ["cron.scratch.set", { scope: "operator.admin", call: (params) => set(parts, params) }],
  ];
}

async function get(parts: CronMethodParts, params: unknown): Promise<object> {
  const { id, rest } = idAndRest(params);
  Nothing.parse(rest);
  found(await (await parts.scheduler()).find(id), id);
  return shown(await parts.store.scratch(id));
}

async function set(parts: CronMethodParts, params: unknown): Promise<object> {
  const { id, rest } = idAndRest(params);
  const { content, expectedRevision } = SetScratch.parse(rest);
  found(await (await parts.scheduler()).find(id), id);
  const before = await parts.store.scratch(id);
  const currentRevision = before?.revision ?? 0;
  if (expectedRevision !== undefined && expectedRevision !== currentRevision) {
    return { ok: false, reason: "revision-conflict", currentRevision };
  }
  await parts.store.setScratch(id, content ?? undefined, parts.now());
  return { ok: true, ...shown(await parts.store.scratch(id)) };
}

function shown(scratch: CronScratch | undefined): object {
  const { content, revision = 0, updatedAtMs } = scratch ?? {};
  return {
    scratch: content === undefined ? null : { content, revision, updatedAtMs },
    currentRevision: revision,
    maxBytes: MAX_BYTES,
  };
}

import { isDeepStrictEqual } from "node:util";
import JSON5 from "json5";
import { GatewayError } from "../../../shared/errors.ts";
import { substitute } from "../../config/environment/substitute.ts";
import { readSmallFile } from "../../config/file/files.ts";
import { hashOf, readSources } from "../../config/file/load.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { pathText } from "../../config/issues/path-text.ts";
import { valueAt } from "../../config/tree.ts";
import { type Io, parseFlags } from "../command.ts";
import { textOfFile } from "../secrets/input.ts";
import { batchIn, builtFrom, changeOf, misused, type Operation } from "./operations.ts";
import { rehearse } from "./rehearse.ts";
import { PROVIDER_OPTIONS } from "./provider-flags.ts";
import { atMost, fail, pathOf } from "./said.ts";
import { writeConfig } from "./write.ts";

/** Source: OpenClaw. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

const OPTIONS = {
  json: { type: "boolean" },
  "strict-json": { type: "boolean" },
  "dry-run": { type: "boolean" },
  "allow-exec": { type: "boolean" },
  force: { type: "boolean" },
  merge: { type: "boolean" },
  replace: { type: "boolean" },
  "batch-json": { type: "string" },
  "batch-file": { type: "string" },
  "ref-source": { type: "string" },
  "ref-provider": { type: "string" },
  "ref-id": { type: "string" },
  "expect-current-json": { type: "string" },
  "expect-current-absent": { type: "boolean" },
  ...PROVIDER_OPTIONS,
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

/** `config set PATH VALUE`, or many of them at once. */
export async function set(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  atMost(positionals, 2);
  if (values["allow-exec"] === true && values["dry-run"] !== true) {
    throw misused("--allow-exec is for --dry-run");
  }
  const operations = await operationsOf(values, positionals);
  const change = changeOf(operations, howOf(values));
  const order = { change, operations, force: values.force === true, json: values.json === true };
  if (values["dry-run"] === true) {
    const allowExec = values["allow-exec"] === true;
    return rehearse({ ...order, allowExec }, io);
  }
  const expected = await expectation(values, operations, io);
  if (expected.fault !== undefined) return fail(expected.fault, { json: order.json, io });
  const [first, ...more] = operations.map(({ path }) => pathText(path));
  const done = more.length === 0 ? `Updated ${first}.` : `Updated ${operations.length} settings.`;
  const assigned = operations.map(({ path }) => path);
  const { baseHash } = expected;
  return writeConfig({ ...order, done, baseHash, assigned, dryRun: false }, io);
}

function howOf({ merge = false, replace = false }: Values): "assign" | "merge" | "replace" {
  if (merge && replace) throw misused("--merge and --replace say opposite things");
  if (merge) return "merge";
  return replace ? "replace" : "assign";
}

/** @throws GatewayError invalid_request */
async function operationsOf(
  values: Values,
  positionals: readonly string[],
): Promise<readonly Operation[]> {
  const { "batch-json": batch, "batch-file": file } = values;
  if (batch !== undefined || file !== undefined) {
    if (batch !== undefined && file !== undefined) {
      throw misused("name one of --batch-json and --batch-file");
    }
    if (positionals.length > 0) throw misused("a batch has its paths in it");
    return batchIn(batch ?? (await textOfFile(file ?? "", MAX_BATCH_BYTES)));
  }
  const path = pathOf(positionals[0]);
  const built = builtFrom(path, values);
  const [, text] = positionals;
  if (built !== undefined) {
    if (text !== undefined) throw misused("name a value or a reference, not both");
    return [built];
  }
  if (text === undefined) throw new GatewayError("invalid_request", "name the value as well");
  const isStrict = values["strict-json"] === true;
  return [{ path, value: valueOf(text, isStrict), mode: isStrict ? "json" : "value" }];
}

/** @throws GatewayError invalid_request for what is no JSON when it must be. */
function valueOf(text: string, strict: boolean): unknown {
  try {
    const value: unknown = strict ? JSON.parse(text) : JSON5.parse(text);
    // JSON5 has numbers that no file of plain JSON can hold.
    return typeof value === "number" && !Number.isFinite(value) ? text : value;
  } catch (cause) {
    if (!strict) return text;
    throw new GatewayError("invalid_request", "the value is not JSON; quote it for the shell", {
      cause,
    });
  }
}

interface Expectation {
  /** Why nothing may be written. */
  readonly fault: string | undefined;
  /** Of the config that was looked at; undefined: nobody expects anything. */
  readonly baseHash: string | undefined;
}

/** Whether the setting is what somebody takes it for. Neither value is shown. */
async function expectation(
  values: Values,
  operations: readonly Operation[],
  io: Io,
): Promise<Expectation> {
  const { "expect-current-json": json, "expect-current-absent": isAbsent = false } = values;
  if (json === undefined && !isAbsent) return { fault: undefined, baseHash: undefined };
  const [operation, ...more] = operations;
  if (json !== undefined && isAbsent) throw misused("expect one thing");
  if (operation === undefined || more.length > 0) throw misused("expectations are of one setting");
  const sources = await readSources(io, readSmallFile);
  if (!sources.ok) return { fault: configErrorText(sources.error), baseHash: undefined };
  const { composed, variables, text } = sources.value;
  const filled = substitute(composed.value, (name) => variables.environment[name]).value;
  const now = valueAt(filled, operation.path);
  const isSo = isAbsent ? now === undefined : isDeepStrictEqual(now, valueOf(json ?? "", true));
  const fault = `${pathText(operation.path)} is not what was expected: nothing was written`;
  return { fault: isSo ? undefined : fault, baseHash: hashOf(text, composed) };
}

import { open } from "node:fs/promises";
import { GatewayError } from "../../../shared/errors.ts";
import { pathText } from "../../config/issues/path-text.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { parseText } from "../../config/file/parse.ts";
import { issuesOf } from "../../config/file/snapshot.ts";
import { type ConfigChange, ConfigWriter, type WriteFault } from "../../config/write/writer.ts";
import { type Io, parseFlags } from "../command.ts";
import { danglingIn } from "./dangling.ts";
import { atMost, fail, issueLines, pathOf } from "./said.ts";

/** What somebody pipes in by accident ends here. */
const MAX_PATCH_BYTES = 2 * 1024 * 1024;

const OPTIONS = {
  json: { type: "boolean" },
  "dry-run": { type: "boolean" },
  force: { type: "boolean" },
} as const;

interface Said {
  readonly json?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** `config unset PATH` */
export async function unset(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  atMost(positionals, 1);
  const path = pathOf(positionals[0]);
  return write({ kind: "unset", path }, `Removed ${pathText(path)}.`, values, io);
}

/** `config patch` */
export async function patch(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    ...OPTIONS,
    file: { type: "string" },
    stdin: { type: "boolean" },
    "replace-path": { type: "string", multiple: true },
  });
  atMost(positionals, 0);
  const { file, stdin = false } = values;
  if ((file === undefined) !== stdin) {
    throw new GatewayError("invalid_request", "name one of --file FILE and --stdin");
  }
  const from = file ?? "/dev/stdin";
  const parsed = parseText(await textFrom(from), file ?? "stdin");
  if (!parsed.ok) return fail(configErrorText(parsed.error), { json: values.json === true, io });
  // Whoever types a patch means it; a list in it replaces what is there.
  for (const text of values["replace-path"] ?? []) pathOf(text);
  const change = { kind: "merge", patch: parsed.value, mayReplace: "all" } as const;
  return write(change, "Updated the config.", values, io);
}

function write(
  change: ConfigChange,
  done: string,
  { json = false, "dry-run": dryRun = false, force = false }: Said,
  io: Io,
): Promise<number> {
  return writeConfig({ change, done, json, dryRun, force, baseHash: undefined }, io);
}

/** A change of the config by a command. */
export interface WriteOrder {
  readonly change: ConfigChange;
  /** What is said of it when it is done. */
  readonly done: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
  /** Settings whose references are looked at; undefined: all that changed. */
  readonly assigned?: readonly (readonly string[])[] | undefined;
  /** Of the config that it was made for; undefined: of whatever there is. */
  readonly baseHash: string | undefined;
}

/** Writes, and says so. @returns The exit code. */
export async function writeConfig(order: WriteOrder, io: Io): Promise<number> {
  const { change, done, json, dryRun, force, baseHash } = order;
  const writer = new ConfigWriter(io);
  const written = await writer.write({ change, force, dryRun, baseHash });
  if (!written.ok) return refuse(written.error, json, io);
  const { changed, file, hash, paths } = written.value;
  const dangling = await danglingIn(written.value, order.assigned ?? paths, io);
  const warnings = [...written.value.warnings, ...dangling];
  if (json) {
    const changedPaths = paths.map(pathText);
    io.out(JSON.stringify({ ok: true, dryRun, changed, path: file, changedPaths, hash, warnings }));
    return 0;
  }
  for (const warning of warnings) io.err(warning);
  if (!changed) io.out("Nothing to change.");
  else if (dryRun) io.out(`Dry run successful: nothing was written to ${file}.`);
  else io.out(`${done} A running gateway takes it over by itself, or says what needs a restart.`);
  return 0;
}

function refuse(fault: WriteFault, json: boolean, io: Io): number {
  if (fault.reason === "conflict") {
    return fail("the config was changed by somebody else meanwhile: try again", { json, io });
  }
  if (fault.reason === "refused") return fail(fault.message, { json, io });
  const issues = issuesOf(fault);
  return fail(`nothing was written: ${issueLines(issues).join("; ")}`, { json, io, issues });
}

/** @throws GatewayError invalid_request */
async function textFrom(file: string): Promise<string> {
  try {
    await using handle = await open(file, "r");
    const buffer = Buffer.alloc(MAX_PATCH_BYTES + 1);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, bytes, buffer.byteLength - bytes);
      bytes += bytesRead;
      if (bytesRead === 0 || bytes > MAX_PATCH_BYTES) break;
    }
    if (bytes <= MAX_PATCH_BYTES) return buffer.toString("utf8", 0, bytes);
  } catch (cause) {
    throw new GatewayError("invalid_request", `${file} cannot be read`, { cause });
  }
  throw new GatewayError("invalid_request", `${file} has more than ${MAX_PATCH_BYTES} bytes`);
}

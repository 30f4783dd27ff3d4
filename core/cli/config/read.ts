import { type Io, parseFlags } from "../command.ts";
import { resolvePaths } from "../../config/paths.ts";
import { snapshotOf } from "../../config/file/snapshot.ts";
import { valueAt } from "../../config/tree.ts";
import { atMost, fail, issueLines, pathOf } from "./said.ts";

const OPTIONS = { json: { type: "boolean" } } as const;
/** `config get PATH`: what the file says, or the default where it says nothing. */
export async function get(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const { json = false } = values;
  atMost(positionals, 1);
  const path = pathOf(positionals[0]);
  const snapshot = await snapshotOf(io);
  const written = valueAt(snapshot.resolved, path) ?? valueAt(snapshot.authored, path);
  const value = written ?? valueAt(snapshot.effective, path);
  if (value === undefined) return fail(await whyNot(path), { json, io });
  if (written === undefined) {
    const { pathText } = await import("../../config/issues/path-text.ts");
    io.err(`${pathText(path)} is not set: this is the default`);
  }
  io.out(!json && typeof value === "string" ? value : JSON.stringify(value, null, json ? 0 : 2));
  return 0;
}

async function whyNot(path: readonly string[]): Promise<string> {
  const { pathText } = await import("../../config/issues/path-text.ts");
  const name = pathText(path);
  const { isPassedOver, settingAt } = await import("../../config/file/describe.ts");
  if (settingAt(path) !== undefined || isPassedOver(path)) return `${name} is not set`;
  return `${name} is not a setting; try sallyport config schema`;
}

/** `config show` */
export async function show(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const { json = false } = values;
  atMost(positionals, 0);
  const { effective, issues, path, warnings } = await snapshotOf(io);
  if (effective === undefined)
    return fail(invalidText(path, issueLines(issues)), { json, io, issues });
  for (const warning of warnings) io.err(warning);
  io.out(JSON.stringify(effective, null, 2));
  return 0;
}

/** `config file` */
export function file(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  atMost(positionals, 0);
  const { configPath } = resolvePaths(io);
  io.out(values.json === true ? JSON.stringify({ path: configPath }) : configPath);
  return Promise.resolve(0);
}

/** `config validate`: as strict as the start of a gateway. */
export async function validate(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const { json = false } = values;
  atMost(positionals, 0);
  const { path, exists, valid, issues, warnings } = await snapshotOf(io);
  if (json) {
    io.out(JSON.stringify({ valid, path, exists, issues, warnings }));
    return valid ? 0 : 1;
  }
  for (const warning of warnings) io.err(warning);
  if (!valid) return fail(invalidText(path, issueLines(issues)), { json, io });
  io.out(exists ? `${path} is valid` : `there is no ${path}: everything is as by default`);
  return 0;
}

function invalidText(path: string, lines: readonly string[]): string {
  return `${path} is not valid:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

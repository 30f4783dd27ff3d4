import { configJsonSchema, settingAt } from "../../config/file/describe.ts";
import { type Io, parseFlags } from "../command.ts";
import { atMost, fail, pathOf } from "./said.ts";

/** `config schema [PATH]` */
export function schema(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, { json: { type: "boolean" } });
  atMost(positionals, 1);
  const [name] = positionals;
  const setting = name === undefined ? { schema: configJsonSchema() } : settingAt(pathOf(name));
  if (setting === undefined) {
    const message = `${name?.slice(0, 128)} is not a setting`;
    return Promise.resolve(fail(message, { json: values.json === true, io }));
  }
  io.out(JSON.stringify(setting.schema, null, 2));
  return Promise.resolve(0);
}

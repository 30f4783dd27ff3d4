/** Writes the config of a home folder over and over: `node config-writer-child.ts HOME NAME COUNT`. */
import { ConfigWriter } from "../../core/config/write/writer.ts";

const [home = "", name = "", count = "0"] = process.argv.slice(2);
const writer = new ConfigWriter({ env: {}, cwd: home, home });
for (let turn = 1; turn <= Number(count); turn += 1) {
  const path = ["env", "vars", `${name}_${turn % 20}`];
  const change = { kind: "set", path, value: "x".repeat(turn % 500) } as const;
  const written = await writer.write({ change, force: true });
  if (!written.ok) throw new Error(JSON.stringify(written.error));
  process.stdout.write(`${turn}\n`);
}

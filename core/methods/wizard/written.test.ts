import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import * as z from "zod";
import { expect, test } from "vitest";
import { startFakeOpenAi } from "../../../test/support/fake-openai.ts";
import { callGateway } from "../../cli/client.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { loadSettings } from "../../config/resolve.ts";
import { startGateway } from "../../gateway/lifecycle/start.ts";
import { createLog } from "../../log.ts";

const KEY = "sk-fake-0123456789abcdef";
const View = z.object({
  sessionId: z.string().optional(),
  done: z.boolean(),
  status: z.string(),
  step: z.object({ id: z.string(), title: z.string().optional() }).optional(),
});

test.each([
  ["writes the key into .env and a word on it into the config", {}, "done"],
  [
    "writes nothing where the config is managed elsewhere",
    { OPENCLAW_CONFIG_READONLY: "1" },
    "error",
  ],
])("a wizard that is asked over the protocol %s", async (_name, more, status) => {
  await using guard = new AsyncDisposableStack();
  const provider = guard.use(await startFakeOpenAi({ apiKey: KEY }));
  const dir = await mkdtemp(join(tmpdir(), "wizard-"));
  guard.defer(() => rm(dir, { recursive: true, force: true }));
  const gateway = { mode: "local", port: 0, reload: { debounceMs: 10 } };
  const models = { providers: { openai: { baseUrl: provider.baseUrl } } };
  const file = join(dir, "openclaw.json");
  const before = `// mine\n${JSON.stringify({ gateway, models })}\n`;
  await writeFile(file, before);
  const env = { OPENCLAW_STATE_DIR: dir, ...more };
  const load = () => loadSettings({ env, cwd: dir, home: dir, flags: {}, uid: undefined });
  const settings = await load();
  if (!settings.ok) throw new Error(configErrorText(settings.error));
  const lines: string[] = [];
  const log = createLog("info", { write: (line) => void lines.push(line) });
  const running = guard.use(await startGateway(settings.value, log, load));
  const target = {
    url: running.url,
    token: settings.value.gateway.token.secret,
    timeoutMs: 10_000,
  };
  const call = async (method: string, params: object): Promise<z.output<typeof View>> =>
    View.parse((await callGateway(target, method, params))?.payload);

  const answers = ["openai", KEY, "openai/gpt-x", "none", "", true];
  let view = await call("wizard.start", {});
  const { sessionId } = view;
  for (const value of answers) {
    if (view.step === undefined) break;
    view = await call("wizard.next", { sessionId, answer: { stepId: view.step.id, value } });
  }

  expect(view).toMatchObject({ done: true, status });
  const written = await readFile(file, "utf8");
  const variables = parseEnv(await readFile(join(dir, ".env"), "utf8").catch(() => ""));
  expect(variables).toEqual(status === "done" ? { OPENAI_API_KEY: KEY } : {});
  if (status === "done") expect(written).toContain('"${OPENAI_API_KEY}"');
  else expect(written).toBe(before);
  expect(written + lines.join("")).not.toContain(KEY);
});

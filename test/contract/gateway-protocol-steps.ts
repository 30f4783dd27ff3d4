/** Calls of every method that the published package knows, in an order that works on a new gateway. */

import * as z from "zod";

/** What came of earlier calls, for later ones. */
export interface Known {
  /** The result of the last call of a method. */
  readonly result: (method: string) => Readonly<Record<string, unknown>>;
  /** A session that exists, as clients name it. */
  readonly key: string;
  /** Requests of devices that wait for a word, oldest first. */
  readonly requests: readonly string[];
}

export interface Step {
  readonly method: string;
  readonly params: (known: Known) => object;
  /** The answer that counts is the second one. */
  readonly expectFinal?: boolean;
}

type Params = Step["params"] | Readonly<Record<string, unknown>>;

function step(method: string, params: Params = {}): Step {
  return { method, params: isMade(params) ? params : () => params };
}

function isMade(params: Params): params is Step["params"] {
  return typeof params === "function";
}

const JOB = {
  name: "t1",
  schedule: { kind: "every", everyMs: 3_600_000 },
  sessionTarget: "main",
  wakeMode: "next-heartbeat",
  payload: { kind: "systemEvent", text: "It rains" },
} as const;

const jobId = ({ result }: Known): { id: unknown } => ({ id: result("cron.add")["id"] });
const keyed = ({ key }: Known): object => ({ key });
/** As it was read, without its secrets: those stay what they are. */
const config = ({ result }: Known): { raw: string; baseHash: unknown } => {
  const { parsed, hash } = result("config.get");
  return { raw: JSON.stringify(parsed), baseHash: hash };
};
const agent = ({ result }: Known): { agentId: unknown } => ({
  agentId: result("agents.create")["agentId"],
});
const History = z.object({
  messages: z.tuple([z.object({ __openclaw: z.object({ id: z.string() }) })], z.unknown()),
});
const firstMessage = ({ result }: Known): string => {
  const [{ __openclaw: facts }] = History.parse(result("chat.history")).messages;
  return facts.id;
};
const device = ({ result }: Known): { deviceId: unknown } => {
  const { device: approved } = Object(result("device.pair.approve"));
  return { deviceId: approved.deviceId };
};
const setup = ({ result }: Known): { setupId: unknown } => ({
  setupId: result("device.pair.setupCode")["setupId"],
});
const approval = ({ result }: Known): { id: unknown } => ({
  id: result("exec.approval.request")["id"],
});
const suspension = ({ result }: Known): { suspensionId: unknown } => ({
  suspensionId: result("gateway.suspend.prepare")["suspensionId"],
});
const wizard = ({ result }: Known): { sessionId: unknown } => ({
  sessionId: result("wizard.start")["sessionId"],
});

export const STEPS: readonly Step[] = [
  step("sessions.subscribe"),
  step("system.info"),
  step("update.status"),
  step("logs.tail", { limit: 5 }),
  step("hooks.status"),
  step("wake", { mode: "next-heartbeat", text: "It rains" }),

  step("sessions.create", keyed),
  step("sessions.messages.subscribe", keyed),
  step("chat.send", ({ key }) => ({ sessionKey: key, message: "Hi", idempotencyKey: "k1" })),
  step("agent.wait", { runId: "k1" }),
  {
    method: "agent",
    params: ({ key }) => ({ sessionKey: key, message: "Hello", idempotencyKey: "k2" }),
    expectFinal: true,
  },
  step("chat.history", ({ key }) => ({ sessionKey: key, limit: 10 })),
  step("chat.metadata"),
  step("chat.message.get", (known) => ({ sessionKey: known.key, messageId: firstMessage(known) })),
  step("chat.inject", ({ key }) => ({ sessionKey: key, message: "By the way" })),
  step("chat.abort", ({ key }) => ({ sessionKey: key })),
  step("sessions.list", { limit: 10 }),
  step("sessions.describe", keyed),
  step("sessions.resolve", keyed),
  step("sessions.preview", ({ key }) => ({ keys: [key] })),
  step("sessions.search", { query: "Hello" }),
  step("sessions.usage"),
  step("sessions.usage.timeseries", keyed),
  step("sessions.usage.logs", keyed),
  step("sessions.patch", ({ key }) => ({ key, label: "One" })),
  step("sessions.patchMany", ({ key }) => ({ targets: [{ key }], patch: { pinned: true } })),
  step("sessions.fork", (known) => ({ sessionKey: known.key, entryId: firstMessage(known) })),
  step("sessions.send", ({ key }) => ({ key, message: "And now" })),
  step("sessions.abort", keyed),
  step("tools.effective", ({ key }) => ({ sessionKey: key })),
  step("board.get", ({ key }) => ({ sessionKey: key })),
  step("sessions.compact", keyed),
  step("sessions.reset", keyed),
  step("sessions.delete", keyed),
  step("sessions.messages.unsubscribe", keyed),

  step("agents.create", { name: "Second" }),
  step("agents.list"),
  step("agents.update", (known) => ({ ...agent(known), name: "Other" })),
  step("agents.files.set", (known) => ({ ...agent(known), name: "SOUL.md", content: "Calm." })),
  step("agents.files.get", (known) => ({ ...agent(known), name: "SOUL.md" })),
  step("agents.files.list", agent),
  step("agents.delete", agent),
  step("agent.identity.get"),
  step("models.list"),
  step("models.authStatus"),
  step("models.probe", { provider: "openai" }),
  step("tools.catalog"),
  step("tools.invoke", { name: "clock" }),
  step("skills.status"),
  step("commands.list"),
  step("channels.status"),
  step("channels.pairing.list"),
  step("users.prefs.get"),
  step("projects.list"),
  step("question.list"),

  step("config.get"),
  step("config.schema"),
  step("config.schema.lookup", { path: "gateway.port" }),
  step("config.set", config),
  step("config.get"),
  step("config.patch", (known) => ({ ...config(known), raw: '{"logging":{"level":"debug"}}' })),
  step("config.get"),
  step("config.apply", config),

  step("cron.add", JOB),
  step("cron.list"),
  step("cron.get", jobId),
  step("cron.status"),
  step("cron.update", (known) => ({ ...jobId(known), patch: { name: "t2" } })),
  step("cron.scratch.set", (known) => ({ ...jobId(known), content: "note" })),
  step("cron.scratch.get", jobId),
  step("cron.run", jobId),
  step("cron.runs", jobId),
  step("cron.remove", jobId),

  step("exec.approvals.get"),
  step("exec.approvals.set", ({ result }) => {
    const { file, hash } = Object(result("exec.approvals.get"));
    return { file, baseHash: hash };
  }),
  step("exec.approval.request", { command: "ls -l", twoPhase: true, timeoutMs: 60_000 }),
  step("exec.approval.get", approval),
  step("exec.approval.resolve", (known) => ({ ...approval(known), decision: "deny" })),

  step("device.pair.list"),
  step("node.list"),
  step("device.pair.reject", ({ requests }) => ({ requestId: requests[0] })),
  step("device.pair.approve", ({ requests }) => ({ requestId: requests[1] })),
  step("device.pair.rename", (known) => ({ ...device(known), label: "Phone" })),
  step("device.token.rotate", (known) => ({ ...device(known), role: "operator" })),
  step("device.token.revoke", (known) => ({ ...device(known), role: "operator" })),
  step("device.pair.remove", device),
  step("device.pair.setupCode", { publicUrl: "wss://gateway.example", includeQr: true }),
  step("device.pair.setupStatus", setup),

  step("secrets.store.set", { name: "SOME_KEY", value: "not-to-be-told", kind: "secret" }),
  step("secrets.store.list"),
  step("secrets.reload"),
  step("secrets.resolve", { commandName: "models", targetIds: ["models.providers.*.apiKey"] }),
  step("secrets.store.delete", { name: "SOME_KEY" }),
  step("skills.update", { skillKey: "weather", enabled: false }),

  step("wizard.start"),
  step("wizard.status", wizard),
  step("wizard.next", wizard),
  step("wizard.cancel", wizard),

  step("gateway.suspend.prepare", { requestId: "s1" }),
  step("gateway.suspend.status", suspension),
  step("gateway.suspend.resume", suspension),
];

/** Methods that the package knows and that this run does not call, and why. */
export const NOT_CALLED: ReadonlyMap<string, string> = new Map([
  [
    "device.scopes.requestUpgrade",
    "needs a client that is a paired device: the tests of devices do",
  ],
  ["device.scopes.waitUpgrade", "needs a client that is a paired device"],
  ["send", "needs a chat platform: the tests of the channels do"],
  ["message.action", "needs a chat platform"],
  ["channels.start", "needs a channel that is set up"],
  ["channels.stop", "needs a channel that is set up"],
  ["channels.logout", "needs a channel that is set up"],
  ["channels.pairing.approve", "needs somebody who writes on a channel"],
  ["channels.pairing.dismiss", "needs somebody who writes on a channel"],
]);

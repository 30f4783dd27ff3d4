/**
 * Who may call which method. Written down a second time on purpose: whoever adds a method, or takes
 * away what it asks for, has to say so here too.
 *
 * Source: the method table of the gateway protocol (operator scopes of 2026.9), and for what it
 * does not have, this product's own.
 */
import { OPERATOR_SCOPES, type OperatorScope } from "../../core/methods/method.ts";

const BY_SCOPE: Readonly<Record<OperatorScope, string>> = {
  "operator.read": `
    status system-presence system.info update.status diagnostics.stability gateway.identity.get
    logs.tail config.get config.schema.lookup last-heartbeat hooks.status
    cron.list cron.get cron.status cron.runs config.schema
    chat.history chat.startup chat.metadata chat.message.get
    sessions.list sessions.describe sessions.resolve sessions.preview sessions.search
    sessions.usage sessions.usage.timeseries sessions.usage.logs
    sessions.subscribe sessions.unsubscribe sessions.messages.subscribe
    sessions.messages.unsubscribe
    agents.list agents.files.list agents.files.get agent.identity.get models.list
    models.authStatus tools.catalog tools.effective skills.status commands.list usage.status
    usage.cost channels.status node.list users.prefs.get board.get projects.list
    tunnel.status tunnel.keys.list webhooks.list webhooks.deadLetters webhooks.tail webhooks.show
    webhooks.body webhooks.routes webhooks.stats`,
  "operator.write": `
    system-event wake chat.send chat.abort agent agent.wait sessions.create sessions.patchMany
    sessions.fork sessions.abort sessions.send send message.action tools.invoke`,
  "operator.admin": `
    gateway.restart.preflight gateway.restart.request gateway.suspend.prepare
    gateway.suspend.status gateway.suspend.resume gateway.suspend.handoff
    exec.approvals.get exec.approvals.set config.set config.patch config.apply
    cron.add cron.update cron.remove cron.run cron.scratch.get cron.scratch.set set-heartbeats
    device.pair.setupCode device.pair.setupStatus device.pair.setupRevoke
    chat.inject sessions.patch sessions.reset sessions.delete sessions.compact
    agents.create agents.update agents.delete agents.files.set skills.update models.probe
    channels.start channels.stop channels.logout wizard.start wizard.next wizard.cancel
    wizard.status pairing.list pairing.approve secrets.reload secrets.resolve secrets.store.list
    secrets.store.set secrets.store.delete tunnel.keys.add tunnel.keys.rotate
    tunnel.keys.revoke webhooks.raw webhooks.replay webhooks.deadLetters.replay
    webhooks.deadLetters.drop webhooks.test`,
  "operator.pairing": `
    device.pair.list device.pair.approve device.pair.reject device.pair.remove device.pair.rename
    device.token.rotate device.token.revoke channels.pairing.list channels.pairing.approve
    channels.pairing.dismiss`,
  "operator.approvals": `
    exec.approval.list exec.approval.get exec.approval.request exec.approval.waitDecision
    exec.approval.resolve`,
  "operator.questions": "question.list",
};

/** Methods for whoever is through the handshake, and why they give nothing away. */
export const FOR_EVERYBODY: ReadonlyMap<string, string> = new Map([
  ["health", "probes come without scopes, and are told that it lives and nothing else"],
  ["device.scopes.requestUpgrade", "a paired device asks; a person decides"],
  ["device.scopes.waitUpgrade", "of the device's own request, which it has to name"],
]);

/** The least scope by which a method may be called. */
export const PUBLISHED_SCOPES: ReadonlyMap<string, OperatorScope> = new Map(
  OPERATOR_SCOPES.flatMap((scope) =>
    BY_SCOPE[scope]
      .trim()
      .split(/\s+/)
      .map((name): [string, OperatorScope] => [name, scope]),
  ),
);

import { isTree } from "./tree.ts";

/**
 * Settings of OpenClaw that this version reads past, by the object they stand in. `*` is any name.
 *
 * A config that works there must start here too, so these are taken out with a warning each;
 * whatever is in neither list nor schema is a typo and refused.
 * Source: the config schema of OpenClaw over its versions, src/config/zod-schema*.ts there.
 */
const PASSED_OVER: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "": `acp agent approvals audio auth bindings broadcast browser canvasHost cli commands crestodian
    cron diagnostics discovery identity mcp media memory messages meta nodeHost plugins proxy routing
    secrets session skills surfaces talk tools transcripts ui update web wizard worktrees`,
    gateway: `allowRealIpFallback channelHealthCheckMinutes channelMaxRestartsPerHour
    channelStaleEventThresholdMinutes controlUi customBindHost handshakeTimeoutMs nodes push remote
    roles tailscale terminal tls tools trustedProxies webchat`,
    "gateway.auth": "allowTailscale password trustedProxy",
    "gateway.reload": "deferralTimeoutMs",
    "gateway.http": "securityHeaders",
    "gateway.http.endpoints": "responses",
    "gateway.http.endpoints.chatCompletions":
      "images maxBodyBytes maxImageParts maxTotalImageBytes",
    agents: "entries list",
    "agents.defaults": `additionalSystemPrompt blockStreamingBreak blockStreamingChunk
    blockStreamingCoalesce blockStreamingDefault bootstrapMaxChars bootstrapPromptTruncationWarning
    bootstrapTotalMaxChars cliBackends compaction contextInjection contextLimits contextPruning
    contextTokens elevatedDefault embeddedHarness embeddedPi envelopeElapsed envelopeTimestamp
    envelopeTimezone experimental heartbeat humanDelay imageGenerationModel imageMaxDimensionPx
    imageModel llm maxConcurrent mediaMaxMb memorySearch models musicGenerationModel params
    pdfMaxBytesMb pdfMaxPages pdfModel promptOverlays reasoningDefault repoRoot runRetries sandbox
    silentReply skills skipBootstrap skipOptionalBootstrapFiles startupContext subagents
    thinkingDefault timeFormat timeoutSeconds toolProgressDetail typingIntervalSeconds typingMode
    userTimezone verboseDefault videoGenerationModel`,
    models: "bedrockDiscovery mode pricing proxy",
    "models.providers.*": `agentRuntime auth authHeader contextTokens contextWindow headers
    injectNumCtxForOpenAICompat maxTokens params region request timeoutSeconds`,
    channels: `bluebubbles clickclack defaults discord feishu googlechat imessage irc line mattermost
    matrix modelByChannel msteams nextcloud-talk nostr qqbot signal slack sms synology-chat tlon twitch
    webchat wecom weixin whatsapp zalo zalouser`,
    "channels.telegram": `accounts ackReaction actions autoTopicLabel blockStreaming
    blockStreamingCoalesce capabilities chunkMode commands configWrites contextVisibility
    customCommands defaultAccount defaultTo direct dmHistoryLimit dms draftChunk errorCooldownMs
    errorPolicy execApprovals groups healthMonitor heartbeat historyLimit linkPreview markdown
    mediaMaxMb name network pollingStallThresholdMs proxy reactionLevel reactionNotifications
    replyToMode responsePrefix retry silentErrorReplies streamMode streaming threadBindings
    timeoutSeconds tokenFile trustedLocalFileRoots webhookCertPath webhookHost webhookPath
    webhookPort webhookSecret webhookUrl`,
    hooks: "gmail internal transformsDir",
    "hooks.mappings.*": "allowUnsafeExternalContent model sessionMode thinking timeoutSeconds",
    logging: `consoleLevel consoleStyle file maxFileBytes redactPatterns redactSensitive`,
  }).map(([path, keys]) => [path, keys.split(/\s+/)]),
);

/** Checked by the schema, but nothing acts on them. */
const UNREAD: ReadonlySet<string> = new Set(["agents.defaults.workspace"]);

/** Keys that are passed over in the object at `path`. */
export function passedOver(path: readonly string[]): readonly string[] {
  return PASSED_OVER.get(patternOf(path)) ?? [];
}

export interface Stripped {
  readonly value: unknown;
  /** Where something was set to no effect. */
  readonly unused: readonly (readonly string[])[];
}

/** Takes out what this version passes over. Pure: the given value stays as it is. */
export function stripPassedOver(value: unknown, path: readonly string[] = []): Stripped {
  if (Array.isArray(value)) return stripList(value, path);
  if (!isTree(value)) return { value, unused: [] };
  const known = new Set(passedOver(path));
  const unused: (readonly string[])[] = [];
  const kept: [string, unknown][] = [];
  for (const [key, child] of Object.entries(value)) {
    const childPath = [...path, key];
    if (known.has(key) || UNREAD.has(childPath.join("."))) unused.push(childPath);
    if (known.has(key)) continue;
    const stripped = stripPassedOver(child, childPath);
    unused.push(...stripped.unused);
    kept.push([key, stripped.value]);
  }
  return { value: Object.fromEntries(kept), unused };
}

function stripList(list: readonly unknown[], path: readonly string[]): Stripped {
  const stripped = list.map((one, index) => stripPassedOver(one, [...path, String(index)]));
  return {
    value: stripped.map(({ value }) => value),
    unused: stripped.flatMap(({ unused }) => unused),
  };
}

function patternOf(path: readonly string[]): string {
  return path.join(".").replace(/^(models\.providers|hooks\.mappings)\.[^.]+$/, "$1.*");
}

import { isTree } from "../tree.ts";

const TOOLS = `updatePlan agentToAgent codeMode elevated exec fs github links loopDetection
media message sandbox sessions sessions_spawn subagents swarm toolSearch toolsBySender web`;

const HEARTBEAT = `accountId agentId directPolicy includeReasoning includeSystemPromptSection
skipWhenBusy suppressToolErrorWarnings`;

/**
 * Settings of OpenClaw that this version reads past, by the object they stand in. `*` is any name.
 *
 * A config that works there must start here too, so these are taken out with a warning each;
 * whatever is in neither list nor schema is a typo and refused.
 * Source: the config schema of OpenClaw over its versions, src/config/zod-schema*.ts there.
 */
const PASSED_OVER: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "": `accessGroups acp agent approvals attachments audio auth broadcast browser canvasHost cli
    cloudWorkers crestodian desktop diagnostics discovery mcp media memory
    meta nodeHost plugins proxy routing security surfaces talk telemetry transcripts tts
    ui update web wizard worktreeAcceleration worktreeRoot worktrees`,
    gateway: `channelHealthCheckMinutes channelMaxRestartsPerHour channelStaleEventThresholdMinutes
    cliAgents handshakeTimeoutMs portals push roles tailscale terminal tls webchat`,
    "gateway.auth": "allowTailscale identityScopes",
    "gateway.controlUi": `allowExternalEmbedUrls allowInsecureAuth automaticallyFetchFavicons chatMessageMaxWidth
    communityInvite dangerouslyAllowHostHeaderOriginFallback dangerouslyDisableDeviceAuth
    embedSandbox environment experimental github root sessionObserver terminal toolTitles`,
    "gateway.nodes":
      "allowCommands allowSkills browser commands denyCommands pluginSurfaces pluginTools",
    "gateway.nodes.pairing": "sshVerify",
    agents: "ownership",
    "gateway.auth.trustedProxy": "cloudflareAccessOidc",
    secrets: "egressProxy resolution",
    "gateway.remote":
      "edgeAuth enabled remotePort sshHostKeyPolicy sshIdentity sshTarget tlsFingerprint transport",
    "gateway.http": "securityHeaders",
    "gateway.http.endpoints.responses": "files images maxBodyBytes maxUrlParts",
    "gateway.http.endpoints.chatCompletions":
      "images maxBodyBytes maxImageParts maxTotalImageBytes",
    "agents.*": `agentDir contextInjection contextLimits
    contextTokens cwd decisionModel description embeddedAgent embeddedHarness embeddedPi
    experimental groupChat humanDelay memory memorySearch modelPolicy models
    params runtime sandbox subagents
    toolProgressDetail tts typingMode utilityModel verboseDefault`,
    "agents.*.heartbeat": HEARTBEAT,
    "agents.defaults.heartbeat": HEARTBEAT,
    cron: "retry runLog sessionRetention store triggers webhook webhookSsrfPolicy webhookToken",
    "cron.failureAlert": "accountId",
    "hooks.internal": "handlers installs load",
    "agents.*.tools": TOOLS,
    tools: TOOLS,
    "bindings.*": "acp session",
    session: `agentToAgent groupScope identityLinks idleMinutes mainKey maintenance notifyOnCreate
    parentForkMaxTokens reset resetByChannel resetByType resetTriggers sendPolicy sharing store
    threadBindings typingIntervalSeconds typingMode writeLock`,
    "agents.defaults": `additionalSystemPrompt authInheritance blockStreamingBreak blockStreamingChunk
    blockStreamingCoalesce blockStreamingDefault bootstrapPromptTruncationWarning cliBackends
    compaction contextInjection contextLimits contextPruning contextTokens cwd decisionModel
    elevatedDefault embeddedAgent embeddedHarness embeddedPi envelopeElapsed envelopeTimestamp
    envelopeTimezone experimental humanDelay imageGenerationModel
    imageMaxDimensionPx imageModel imageQuality llm maxConcurrent mediaMaxMb mediaModels
    modelPolicy modelSelectionScope musicGenerationModel params pdfMaxBytesMb pdfMaxMb
    pdfMaxPages pdfModel promptOverlays repoRoot runRetries sandbox
    sessionStore silentReply skipBootstrap skipOptionalBootstrapFiles startupContext
    subagents systemAgent timeFormat timeoutSeconds toolProgressDetail
    typingIntervalSeconds typingMode userTimezone utilityModel verboseDefault
    videoGenerationModel voiceModel`,
    "agents.defaults.memorySearch": `cache chunking documentInputType enabled experimental extraPaths
    fallback inputType local multimodal outputDimensionality qmd query queryInputType
    rememberAcrossConversations remote sources store sync`,
    skills: "install workshop",
    messages: `ackReaction ackReactionScope groupChat inbound messagePrefix removeAckAfterReply
    responsePrefix responseUsage statusReactions suppressToolErrors tts usageTemplate
    visibleReplies`,
    "messages.queue": "debounceMsByPlugin",
    models: "bedrockDiscovery catalogRefresh mode pricing proxy",
    "models.providers.*": `agentRuntime auth authHeader contextTokens contextWindow headers injectNumCtxForOpenAICompat
    localService maxTokens params region request timeoutSeconds`,
    channels: `a2a bluebubbles buzz clickclack defaults discord feishu googlechat imessage irc line matrix
    mattermost modelByChannel msteams nextcloud-talk nostr qa-channel qqbot raft reef signal
    slack sms synology-chat tlon twitch webchat wecom weixin whatsapp zalo zalouser`,
    "channels.telegram": `accounts ackReaction actions autoTopicLabel blockStreaming blockStreamingCoalesce
    capabilities chunkMode configWrites contextVisibility customCommands defaultAccount
    defaultTo direct dmHistoryLimit dms draftChunk errorCooldownMs errorPolicy execApprovals
    groups healthMonitor heartbeat heartbeatVisibility historyLimit joinIntro linkPreview
    markdown mediaMaxMb mentionPatterns name network pollingStallThresholdMs proxy reactionLevel
    reactionNotifications replyToMode responsePrefix retry richMessages silentErrorReplies
    streamMode streaming threadBindings timeoutSeconds tokenFile trustedLocalFileRoots
    webhookCertPath webhookHost webhookPath webhookPort webhookSecret webhookUrl`,
    "channels.telegram.commands": "nativeSkills",
    commands: `bash bashForegroundMs config debug mcp nativeSkills ownerDisplay ownerDisplaySecret
    plugins restart useAccessGroups`,
    hooks: "gmail transformsDir",
    "hooks.mappings.*": "allowUnsafeExternalContent model sessionMode thinking timeoutSeconds",
    logging: "audit consoleLevel consoleStyle redactPatterns redactSensitive",
  }).map(([path, keys]) => [path, keys.split(/\s+/)]),
);

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
    if (known.has(key)) unused.push(childPath);
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
  return path
    .join(".")
    .replace(/^(models\.providers|hooks\.mappings|bindings)\.[^.]+$/, "$1.*")
    .replace(/^agents\.(?:entries|list)\.[^.]+/, "agents.*");
}

/**
 * Every size, count and time limit that both sides know, with the reason for its number.
 *
 * `…Bytes` are bytes, `…Ms` milliseconds. A limit a person may change has its key in the config
 * schema of the core and its default here.
 */
export const LIMITS = {
  /** One tunnel message. The measured knee: 256 KiB moves 88 MiB/s, 1 MiB only 59, and stalls p99. */
  maxMessageBytes: 256 * 1024,
  /** Payload of one data frame: small enough that a token waits behind few of them. */
  maxFrameBytes: 64 * 1024,
  /** Payload of one head (request or response line and headers): Cloudflare passes 128 KiB. */
  maxHeadBytes: 128 * 1024,
  /** Bytes one side may send on a fresh stream before it hears from the other. */
  streamWindowBytes: 256 * 1024,
  /** A stream whose reader keeps up may have its window doubled up to this. */
  maxStreamWindowBytes: 1024 * 1024,
  /** The same over all streams together: with it one relay buffers at most this each way. */
  connectionWindowBytes: 16 * 1024 * 1024,
  /** Streams one side may have open at once: a relay shares 128 MB with its isolate. */
  maxStreams: 256,
  /** Client WebSockets on one relay, idle most of the time: the runtime's own cap is 32,768. */
  maxSockets: 4_096,
  /** Reason text of a RESET, WS_CLOSE or GOAWAY. RFC 6455 section 5.5 leaves 123 for a close reason. */
  maxReasonBytes: 123,

  /** Largest request body the edge forwards: the platform's own cap on the free plan is 100 MB. */
  maxRequestBodyBytes: 25 * 1024 * 1024,
  /** Request headers, names and values: what the core's HTTP parser is set to as well. */
  maxRequestHeaderBytes: 32 * 1024,
  /** Path and query: Cloudflare refuses longer ones itself at 16 KiB. */
  maxUrlBytes: 16 * 1024,
  /** From the last byte of a request to the first of its answer: a long model call, not a hang. */
  firstByteTimeoutMs: 300_000,
  /** How long the relay waits for the core to accept a client's WebSocket before it answers 504. */
  acceptTimeoutMs: 10_000,
  /** A whole WebSocket message from a client. */
  maxWebSocketMessageBytes: 4 * 1024 * 1024,
  /** What may wait in the relay for one slow WebSocket before it is closed with 1013. */
  maxWebSocketQueueBytes: 1024 * 1024,
  /** Messages of one client that wait for the core, or for a word that it has dealt with them. */
  maxWebSocketQueueMessages: 256,
  /** The same, bytes of all clients of one relay together. */
  maxHeldBytes: 16 * 1024 * 1024,
  /** Requests that wait in the relay for a core to come back, each with a client waiting for it. */
  maxParked: 256,
  /** A client that has taken nothing for this long, with its queue full, is closed with 1013. */
  slowClientMs: 10_000,
  /** What a core may leave with a client for the core after it (it rides in an attachment); STATS. */
  maxNoteBytes: 2_048,
  /** How often a relay that is awake tells its cores how it is. */
  statsMs: 60_000,
  /** How long a client's WebSocket waits for the next core before it is closed with 1012. */
  reattachMs: 30_000,
  /** A request that finds the core gone for less than this waits for it to come back: a restart. */
  reconnectGraceMs: 5_000,
  /** The same when the core said that it goes: its successor waits for it to finish. */
  handoverMs: 15_000,
  /** A request that has passed this many edges is going round in circles. */
  maxHops: 3,

  /** The core says it is alive this often: below the 30 s after which home routers forget a flow. */
  heartbeatMs: 20_000,
  /** No answer to a heartbeat for this long, and the core dials again. */
  heartbeatTimeoutMs: 10_000,
  /** No heartbeat from the core for this long, and the relay gives it up: three were missed. */
  coreDeadMs: 60_000,
  /** A tunnel must say HELLO this soon after it was accepted. */
  helloTimeoutMs: 10_000,
  /** Age, either way, at which a signed connect request is refused. */
  connectSkewMs: 60_000,
  /** How long a used connect nonce is remembered: twice the skew, so none can outlive its memory. */
  nonceMemoryMs: 120_000,
  /** Public keys of one core that may be live at once: the current one and the next. */
  maxCoreKeys: 2,

  /** A webhook body. GitHub's cap, the highest of the senders we know. */
  maxWebhookBytes: 25 * 1024 * 1024,
  /** How long the relay waits for the core to commit a webhook: Slack gives up after 3 s. */
  deliverTimeoutMs: 2_500,
  /** Undelivered webhooks, bytes of bodies and headers. */
  maxSpoolBytes: 512 * 1024 * 1024,
  /** Undelivered webhooks, count of their events: fifty a second for more than an hour. */
  maxSpoolItems: 250_000,
  /** A BLOB in a Durable Object's SQLite must stay below 2 MB; longer bodies are cut in chunks. */
  spoolChunkBytes: 1_500_000,
  /** Webhooks handed to the core at once while the spool drains. */
  maxDeliveriesInFlight: 64,
  /** The same for webhooks that the edge could not verify: they cannot push out those it could. */
  maxUnverifiedSpoolBytes: 16 * 1024 * 1024,
  /** The same, counted. */
  maxUnverifiedSpoolItems: 2_000,
  /** Longest a sender may be kept waiting for what the core answers: Twilio gives up after 15 s. */
  maxSyncMs: 30_000,
  /** What the core may answer to such a webhook: it rides in one head of the tunnel. */
  maxSyncAnswerBytes: 64 * 1024,
  /** Events of one webhook that are told apart at the edge; of more, the core alone tells which it has. */
  maxWebhookItems: 256,
  /** How long an event is known: longer than any sender repeats itself (Meta, 7 days). */
  dedupeMs: 8 * 24 * 3_600_000,
  /** An undelivered webhook is dropped to the dead letters after this long. */
  spoolRetentionMs: 72 * 3_600_000,

  /** A dead letter is kept for people to look at this long. */
  deadLetterRetentionMs: 14 * 24 * 3_600_000,
  /** What the core tells the relay about itself, as JSON: a thousand verifiers are 150 KB. */
  maxBundleBytes: 1024 * 1024,

  /** A client that lost its connection finds its session this long: a relay is back in seconds. */
  resumeMs: 60_000,
  /** What a session's core has sent and the client has not acknowledged, kept to be sent again. */
  maxResumeBytes: 1024 * 1024,
  /** The same, counted. */
  maxResumeMessages: 1_024,
  /** The same of the client: below what a relay holds of it for the next core. */
  resumeWindowBytes: 768 * 1024,
  /** The same, counted: a greeting and acknowledgements have room beside them. */
  resumeWindowMessages: 192,
  /** What waits behind those before the session is given up: bridges stop reading at half of it. */
  maxResumeQueueBytes: 2 * 1024 * 1024,
  /** So much of what came is acknowledged at once; less waits for a message that goes there anyway. */
  resumeAckMessages: 32,
  /** The same in bytes. */
  resumeAckBytes: 64 * 1024,
  /** Sessions that a core knows, with a connection or without. */
  maxResumeSessions: 4_096,
  /** What all sessions without a connection keep together, before the oldest is given up. */
  maxResumeHeldBytes: 64 * 1024 * 1024,

  /** Requests one caller may send in a burst, and … */
  rateBurst: 500,
  /** … per second after that. Burst / rate must stay below the 10 s after which a relay sleeps. */
  ratePerSecond: 100,
  /** Token verifiers the core may publish to its edge. */
  maxVerifiers: 1_000,
  /** Setup codes for new devices that are good at once: each lives for minutes; the oldest go. */
  maxSetupCodes: 16,
  /** A Worker isolate asks its relay in vain for fresh verifiers no more often than this. */
  bundleRefreshMs: 60_000,
} as const;

export type Limits = typeof LIMITS;

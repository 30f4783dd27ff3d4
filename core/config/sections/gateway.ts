import { isIP } from "node:net";
import * as z from "zod";
import { HeaderName, HttpUrl, SecretText } from "../fields.ts";
import { isNetwork } from "../networks.ts";

/** Refuses what OpenClaw knows and this version does not do, and says what there is instead. */
function only<const Known extends readonly [string, ...string[]]>(
  known: Known,
): z.ZodEnum<{ [K in Known[number]]: K }> {
  return z.enum(known, {
    error: `this version supports ${known.map((one) => `"${one}"`).join(" and ")}`,
  });
}

/** How people wrote "every interface" before there was a word for it. */
const LAN_ALIASES: ReadonlySet<unknown> = new Set(["*", "0.0.0.0"]);

/** Where to listen; `custom` is at `gateway.customBindHost`. */
export const Bind = z.preprocess(
  (value) => (LAN_ALIASES.has(value) ? "lan" : value),
  z.enum(["loopback", "lan", "tailnet", "auto", "custom"], {
    error:
      'must be "loopback", "lan" ("*" and "0.0.0.0" mean the same), "tailnet", "auto" or "custom"',
  }),
);

/** How whoever calls proves that they may. */
export const AuthMode = z.enum(["token", "password", "none", "trusted-proxy"]);

/** Longest lists of a config that are walked for every request. */
const MAX_NETWORKS = 64;

/** An address, or a network in the notation `10.0.0.0/8`. */
const Network = z
  .string()
  .refine(isNetwork, "must be an IP address or a network like 10.0.0.0/8 or fd00::/8");

/** As browsers send it. `*` is read for the files that have it, and no page has that origin. */
const BrowserOrigin = z
  .string()
  .refine(isOrigin, "must be the origin of a page, like https://gateway.example.com")
  .transform((text) => text.toLowerCase().replace(/\/$/, ""));

function isOrigin(text: string): boolean {
  return text === "*" || /^[a-z][a-z0-9+.-]*:\/\/[^/\s?#@*]+\/?$/i.test(text);
}

/** Who a proxy in front of us says the caller is. */
const TrustedProxy = z.strictObject({
  /** The header with the name of the user, as the proxy sets it. */
  userHeader: HeaderName,
  /** Headers that the proxy sets on everything it lets through. */
  requiredHeaders: z.array(HeaderName).max(16).default([]),
  /** Left out or empty: whoever the proxy lets through. */
  allowUsers: z.array(z.string().min(1).max(256)).max(1_000).default([]),
  /**
   * Whether devices of users whom the proxy lets through are paired without anybody's word: interfaces
   * of operators alone, with no more than these scopes.
   */
  deviceAutoApprove: z
    .strictObject({
      enabled: z.boolean().default(false),
      scopes: z
        .array(z.string().min(1).max(64))
        .max(16)
        .default(["operator.read", "operator.write", "operator.approvals", "operator.questions"]),
    })
    .optional(),
  /** Whether the proxy may run on this machine, where every other program could send the same. */
  allowLoopback: z.boolean().default(false),
});

/** Whose pairing needs nobody's word. */
const NodePairing = z.strictObject({
  /** Devices of this machine, without a proxy in between. */
  autoApproveLocal: z.boolean().default(true),
  /** Nodes that ask for no scopes, from these networks. */
  autoApproveCidrs: z.array(Network).max(MAX_NETWORKS).default([]),
});

/** 0: any free port. */
export const Port = z.int().min(0).max(65_535);

export const Gateway = z.strictObject({
  /** `remote`: this machine is a client of the gateway at `remote`. */
  mode: only(["local", "remote"]).default("local"),
  /** A gateway elsewhere, for the command line. */
  remote: z
    .strictObject({
      /** http, https, ws or wss. */
      url: z.string().min(1).max(2_048).optional(),
      token: SecretText.optional(),
      password: SecretText.optional(),
    })
    .optional(),
  port: Port.default(18_789),
  bind: Bind.default("loopback"),
  /** The address to listen on, for `bind: "custom"`. */
  customBindHost: z
    .string()
    .refine((text) => isIP(text) !== 0, "must be an IP address of this machine")
    .optional(),
  /** Proxies in front of us, whose word on who calls is believed: addresses and networks. */
  trustedProxies: z.array(Network).max(MAX_NETWORKS).default([]),
  /** Whether X-Real-IP of such a proxy counts where it sends no X-Forwarded-For. */
  allowRealIpFallback: z.boolean().default(false),
  /** Where people reach this gateway, when that is not its own address. */
  publicOrigin: HttpUrl.optional(),
  auth: z
    .strictObject({
      /** Left out: `password` where there is one and no token, or else `token`. */
      mode: AuthMode.optional(),
      /** Left out: made on first start and kept in the state folder. */
      token: SecretText.optional(),
      password: SecretText.optional(),
      trustedProxy: TrustedProxy.optional(),
      /** How often an address may present a wrong credential before it is shut out for a while. */
      rateLimit: z
        .strictObject({
          maxAttempts: z.int().min(1).max(1_000).default(10),
          windowMs: z.int().min(1_000).max(86_400_000).default(60_000),
          lockoutMs: z.int().min(1_000).max(86_400_000).default(300_000),
          exemptLoopback: z.boolean().default(true),
        })
        .prefault({}),
    })
    .prefault({}),
  controlUi: z
    .strictObject({
      enabled: z.boolean().default(true),
      basePath: z
        .string()
        .regex(/^(?:\/[A-Za-z0-9._~-]+)*\/?$/, "must be a path like /openclaw")
        .default(""),
      /** Pages that may use this gateway beside those of its own address. */
      allowedOrigins: z.array(BrowserOrigin).max(MAX_NETWORKS).default([]),
    })
    .prefault({}),
  nodes: z.strictObject({ pairing: NodePairing.prefault({}) }).prefault({}),
  reload: z
    .strictObject({
      mode: z.enum(["off", "hot", "restart", "hybrid"]).default("hybrid"),
      debounceMs: z.int().min(0).max(60_000).default(300),
      /** Longest that turns under way put a restart off; 0: as long as it takes. */
      deferralTimeoutMs: z
        .int()
        .min(0)
        .max(24 * 3_600_000)
        .default(300_000),
    })
    .prefault({}),
  /** Tools that may be called over HTTP: what is closed besides, and opened of what is closed. */
  tools: z
    .strictObject({
      allow: z.array(z.string().min(1).max(128)).max(512).default([]),
      deny: z.array(z.string().min(1).max(128)).max(512).default([]),
    })
    .prefault({}),
  http: z
    .strictObject({
      endpoints: z
        .strictObject({
          chatCompletions: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
          responses: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
        })
        .prefault({}),
    })
    .prefault({}),
});

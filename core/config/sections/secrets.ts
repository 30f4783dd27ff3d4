import * as z from "zod";

/** A name of the environment that a secret may have. */
const VariableName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,127}$/, "must be the name of a variable in upper case");

const TimeoutMs = z.int().min(1).max(120_000);
const OutputBytes = z
  .int()
  .min(1)
  .max(20 * 1024 * 1024);
const MIB = 1024 * 1024;

const EnvProvider = z.strictObject({
  source: z.literal("env"),
  /** Left out: any variable. */
  allowlist: z.array(VariableName).max(256).optional(),
});

const FileProvider = z.strictObject({
  source: z.literal("file"),
  /** Absolute, or from `~`. */
  path: z.string().min(1).max(4_096),
  /** `json`: ids are JSON pointers. `singleValue`: the file is the secret, its id is `value`. */
  mode: z.enum(["json", "singleValue"]).default("json"),
  timeoutMs: TimeoutMs.default(5_000),
  maxBytes: OutputBytes.default(MIB),
});

const ExecProvider = z.strictObject({
  source: z.literal("exec"),
  /** Absolute: no folder is searched for it. */
  command: z.string().min(1).max(4_096),
  args: z.array(z.string().max(1_024)).max(128).default([]),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** Variables of ours that it gets: without them it gets none. */
  passEnv: z.array(VariableName).max(128).default([]),
  timeoutMs: TimeoutMs.default(5_000),
  noOutputTimeoutMs: TimeoutMs.optional(),
  maxOutputBytes: OutputBytes.default(MIB),
  /** False: what it prints is the one secret it is asked for. */
  jsonOnly: z.boolean().default(true),
  /** Left out: any folder. */
  trustedDirs: z.array(z.string().min(1).max(4_096)).max(64).optional(),
});

/** What `sallyport secrets store` keeps in the state folder. */
const StoreProvider = z.strictObject({ source: z.literal("store") });

export const SecretProvider = z.discriminatedUnion(
  "source",
  [EnvProvider, FileProvider, ExecProvider, StoreProvider],
  { error: 'source must be "env", "file", "exec" or "store"' },
);
export type SecretProvider = z.output<typeof SecretProvider>;
export type FileProvider = z.output<typeof FileProvider>;
export type ExecProvider = z.output<typeof ExecProvider>;

const ProviderName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, "is no name for a provider of secrets");

/** Where secrets come from that are not in this file. */
export const Secrets = z.strictObject({
  providers: z.record(ProviderName, SecretProvider).default({}),
  /** The provider of references that name none, by source. */
  defaults: z
    .strictObject({
      env: ProviderName.optional(),
      file: ProviderName.optional(),
      exec: ProviderName.optional(),
      store: ProviderName.optional(),
    })
    .prefault({}),
});
export type Secrets = z.output<typeof Secrets>;

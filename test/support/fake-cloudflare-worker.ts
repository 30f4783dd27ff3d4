import * as z from "zod";

/** One Worker as Cloudflare keeps it: what the API knows of it and refuses to do to it. */

const Binding = z.looseObject({
  name: z.string(),
  type: z.string(),
  text: z.string().optional(),
  class_name: z.string().optional(),
});
type Binding = z.output<typeof Binding>;

export const Metadata = z.looseObject({
  main_module: z.string(),
  bindings: z.array(Binding),
  annotations: z.record(z.string(), z.string()).default({}),
  code_update_strategy: z.unknown().optional(),
  migrations: z
    .object({
      old_tag: z.string().optional(),
      new_tag: z.string(),
      steps: z.array(z.object({ new_sqlite_classes: z.array(z.string()).default([]) })),
    })
    .optional(),
});
type Metadata = z.output<typeof Metadata>;

const Deploy = z.object({
  versions: z.array(z.object({ version_id: z.string(), percentage: z.number() })),
  annotations: z.record(z.string(), z.string().optional()).default({}),
  code_update_strategy: z.unknown().optional(),
});
const Origins = z.object({ origins: z.array(z.object({ hostname: z.string() })) });
const Subdomain = z.object({ enabled: z.boolean(), previews_enabled: z.boolean().default(false) });

/** What is sent as one multipart body. */
export interface Upload {
  readonly metadata: Metadata;
  /** Text of the parts beside the metadata, by name. */
  readonly modules: ReadonlyMap<string, string>;
}

export interface FakeVersion extends Upload {
  readonly id: string;
  readonly number: number;
}

export interface FakeDeployment {
  readonly id: string;
  readonly createdOn: string;
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
  readonly annotations: Readonly<Record<string, string | undefined>>;
  readonly codeUpdateStrategy: unknown;
}

/** An error of the API: it always comes with one of its own codes. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const AUTHOR = { author_id: "fake", author_email: "someone@example.com", source: "wrangler" };

export class FakeWorker {
  readonly name: string;
  /** Newest first, like the deployments. */
  readonly versions: FakeVersion[] = [];
  readonly deployments: FakeDeployment[] = [];
  readonly classes = new Set<string>();
  migrationTag: string | undefined;
  subdomain = { enabled: false, previews_enabled: false };
  domains: string[] = [];
  #ids = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The version that all traffic goes to. @throws Error when there is none. */
  get live(): FakeVersion {
    const id = this.deployments[0]?.versions[0]?.version_id;
    const version = this.versions.find((one) => one.id === id);
    if (version === undefined) throw new Error(`"${this.name}" is not deployed`);
    return version;
  }

  /** `PUT`: a Worker that is new, or whose migrations go on; live at once. */
  put(uploaded: Upload): unknown {
    const { id } = this.#keep(uploaded);
    const { annotations, code_update_strategy: codeUpdateStrategy } = uploaded.metadata;
    const versions = [{ version_id: id, percentage: 100 }];
    this.#deploy({ versions, annotations, codeUpdateStrategy });
    const deployment_id = id.replaceAll("-", "");
    return { id: this.name, etag: "fake", startup_time_ms: 5, deployment_id };
  }

  /** `POST …/versions`: not live until it is deployed. */
  upload(uploaded: Upload): unknown {
    return { ...versionBody(this.#keep(uploaded)), startup_time_ms: 5 };
  }

  get service(): unknown {
    const script = {
      id: this.name,
      tag: "fake",
      tags: [],
      last_deployed_from: "wrangler",
      migration_tag: this.migrationTag,
    };
    const { name: id } = this;
    return { id, default_environment: { environment: "production", script } };
  }

  read(what: string, id: string | undefined): unknown {
    switch (what) {
      case "secrets":
        return (this.versions[0]?.metadata.bindings ?? [])
          .filter(({ type }) => type === "secret_text")
          .map(withoutSecret);
      case "settings":
        return { bindings: this.versions[0]?.metadata.bindings.map(withoutSecret), tags: [] };
      case "deployments":
        return { deployments: this.deployments.map(deploymentBody) };
      case "versions": {
        if (id === undefined) return { items: this.versions.map(versionBody) };
        const version = this.versions.find((one) => one.id === id);
        if (version === undefined) throw new ApiError(404, 10_021, "Version not found");
        return versionBody(version);
      }
      default:
        throw new ApiError(404, 7003, `Could not route to ${what}`);
    }
  }

  change(what: string, body: unknown): unknown {
    switch (what) {
      case "deployments": {
        const { versions, annotations, code_update_strategy } = Deploy.parse(body);
        const ids = new Set(this.versions.map(({ id }) => id));
        if (!versions.every(({ version_id }) => ids.has(version_id))) {
          throw new ApiError(404, 10_021, "Version not found");
        }
        return this.#deploy({ versions, annotations, codeUpdateStrategy: code_update_strategy });
      }
      case "script-settings":
        return body;
      case "subdomain":
        this.subdomain = Subdomain.parse(body);
        return this.subdomain;
      case "domains/changeset":
        return { added: [], removed: [], updated: [], conflicting: [] };
      case "domains/records":
        this.domains = Origins.parse(body).origins.map(({ hostname }) => hostname);
        return [];
      default:
        throw new ApiError(405, 7001, `Method not allowed for ${what}`);
    }
  }

  #keep(uploaded: Upload): FakeVersion {
    const { metadata, modules } = uploaded;
    this.#migrate(metadata);
    for (const { type, class_name: className = "" } of metadata.bindings) {
      if (type === "durable_object_namespace" && !this.classes.has(className)) {
        throw new ApiError(
          400,
          10_061,
          `Cannot create binding for class '${className}' because it is not currently configured to implement Durable Objects.`,
        );
      }
    }
    if (!modules.has(metadata.main_module)) {
      throw new ApiError(400, 10_021, `No such module "${metadata.main_module}".`);
    }
    const version = { id: this.#id("8000"), number: this.versions.length + 1, metadata, modules };
    this.versions.unshift(version);
    return version;
  }

  #migrate({ migrations }: Metadata): void {
    if (migrations === undefined) return;
    const { old_tag: expected, new_tag, steps } = migrations;
    if (expected !== this.migrationTag) {
      throw new ApiError(
        412,
        10_079,
        `Migration tag precondition failed; expected "${expected ?? ""}", current "${this.migrationTag ?? ""}".`,
      );
    }
    for (const className of steps.flatMap((step) => step.new_sqlite_classes)) {
      if (this.classes.has(className)) {
        throw new ApiError(
          400,
          10_074,
          `Cannot apply new-sqlite-class migration to class '${className}' that is already depended on by existing Durable Objects.`,
        );
      }
      this.classes.add(className);
    }
    this.migrationTag = new_tag;
  }

  #deploy(deployed: Omit<FakeDeployment, "id" | "createdOn">): { id: string } {
    const id = this.#id("9000");
    this.deployments.unshift({ id, createdOn: new Date().toISOString(), ...deployed });
    return { id };
  }

  #id(kind: string): string {
    this.#ids += 1;
    return `00000000-0000-4000-${kind}-${String(this.#ids).padStart(12, "0")}`;
  }
}

function versionBody({ id, number, metadata }: FakeVersion): object {
  const at = "2026-01-01T00:00:00Z";
  return {
    id,
    number,
    metadata: { ...AUTHOR, created_on: at, modified_on: at },
    annotations: metadata.annotations,
    resources: {
      bindings: metadata.bindings.map(withoutSecret),
      script: { etag: "fake", handlers: ["fetch"] },
      script_runtime: {},
    },
  };
}

function deploymentBody({ id, createdOn, versions, annotations }: FakeDeployment): object {
  return { id, ...AUTHOR, strategy: "percentage", created_on: createdOn, versions, annotations };
}

/** The API never gives a secret back. */
function withoutSecret(binding: Binding): object {
  const { name, type } = binding;
  return type === "secret_text" ? { name, type } : binding;
}

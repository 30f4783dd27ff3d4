import type { CertificateFiles } from "./serve/certificate.ts";
import type { TrustedProxies } from "./serve/trusted-proxies.ts";

/** What `sallyport edge` is asked to do. */

export interface ServeOptions {
  readonly json: boolean;
  readonly printUnit: boolean;
  /** Undefined means every address of this machine. */
  readonly host: string | undefined;
  readonly port: number;
  /** Absolute. */
  readonly storageDir: string;
  readonly tls: CertificateFiles | undefined;
  readonly trusted: TrustedProxies;
  readonly name: string | undefined;
  readonly relays: string | undefined;
  /** Where cores and clients reach this edge, when that is not its own port. */
  readonly publicUrl: string | undefined;
}

export interface DevOptions {
  readonly json: boolean;
  readonly port: number;
  /** Absolute; the one `npm start` uses. */
  readonly stateDir: string;
}

/** What names a deployment, and where its files are. */
export interface DeploymentOptions {
  readonly json: boolean;
  /** Absolute. */
  readonly stateDir: string;
  /** Of the Worker. */
  readonly name: string | undefined;
  /** Where to ask whether the edge is up, when not at its own address. */
  readonly checkUrl: string | undefined;
  /** How long to go on asking. */
  readonly checkMs: number;
}

export interface DeployOptions extends DeploymentOptions {
  readonly dryRun: boolean;
  /** Custom domain; undefined keeps what the last deploy had. */
  readonly domain: string | undefined;
  readonly relays: string | undefined;
  readonly message: string | undefined;
}

export interface RollbackOptions extends DeploymentOptions {
  /** Undefined means the version before. */
  readonly version: string | undefined;
  readonly message: string | undefined;
}

export type EdgeCommand =
  | { readonly command: "serve"; readonly options: ServeOptions }
  | { readonly command: "dev"; readonly options: DevOptions }
  | { readonly command: "deploy"; readonly options: DeployOptions }
  | { readonly command: "status"; readonly options: DeploymentOptions }
  | { readonly command: "rollback"; readonly options: RollbackOptions }
  | { readonly command: "help" };

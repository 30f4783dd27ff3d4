import type { Issue } from "../config/issues/error.ts";
import type { Environment } from "../config/paths.ts";
import { Upstream } from "../config/sections/upstream.ts";
import { SecretText } from "../config/fields.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Secret } from "../../shared/secret.ts";
import type { UpstreamSettings } from "./settings.ts";

/** What the command line may set; it wins over the config. */
export interface UpstreamFlags {
  readonly url?: string | undefined;
  readonly preserveHost?: boolean | undefined;
  readonly trustForwarded?: boolean | undefined;
  readonly translate?: string | undefined;
}

export interface UpstreamSources {
  readonly flags: UpstreamFlags;
  readonly section: Upstream;
  /** A token has no flag: other users of a machine can read those. */
  readonly environment: Environment;
  /** What the edge checks webhooks by; undefined: there are none. */
  readonly hooksToken: Secret | undefined;
}

const TOKEN_VARIABLE = "SALLYPORT_UPSTREAM_TOKEN";

const Flags = Upstream.pick({
  preserveHost: true,
  trustForwarded: true,
  translate: true,
  url: true,
});

/** Config, flags and variables made one, or what is wrong with them. Pure. */
export function resolveUpstream(
  sources: UpstreamSources,
): Result<Omit<UpstreamSettings, "deviceSecret">, Issue> {
  const { section, environment } = sources;
  const { url, preserveHost, trustForwarded, translate, onCoreLoss } = section;
  const given = Object.entries(sources.flags).filter(([, value]) => value !== undefined);
  const merged = Flags.safeParse({
    preserveHost,
    trustForwarded,
    translate,
    url,
    ...Object.fromEntries(given),
  });
  if (!merged.success) {
    const [issue] = merged.error.issues;
    return err({ path: path(String(issue?.path[0])), message: issue?.message ?? "is wrong" });
  }
  if (merged.data.url === undefined) {
    return err({ path: path("url"), message: "is needed, or --upstream with the URL" });
  }
  const variable = SecretText.safeParse(environment[TOKEN_VARIABLE]);
  const token = variable.success ? variable.data : section.token;
  const openclaw = merged.data.translate === "openclaw";
  if (openclaw && token === undefined) {
    const message = `is needed to translate to it, or the variable ${TOKEN_VARIABLE}`;
    return err({ path: path("token"), message });
  }
  if (openclaw && onCoreLoss === "reopen") {
    const message = 'must be "close": who logs in by a first frame cannot be reopened';
    return err({ path: path("onCoreLoss"), message });
  }
  return ok({
    ...merged.data,
    url: new URL(merged.data.url),
    token,
    onCoreLoss,
    hooksToken: section.hooksToken ?? sources.hooksToken,
  });
}

function path(key: string): string {
  return `sallyport.upstream.${key}`;
}

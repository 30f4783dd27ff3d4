import type { WranglerSettings } from "../../cloudflare/settings.ts";

export interface Deployment {
  /** Of the Worker. */
  readonly name: string;
  /** The bundle; absolute. */
  readonly main: string;
  /** Custom domain; undefined means an address at workers.dev. */
  readonly domain: string | undefined;
  /** Undefined means what wrangler.toml says. */
  readonly relays: string | undefined;
}

/**
 * Longest that a relay with work to do keeps running the code before a deploy. Our Worker and relay
 * understand each other one version apart; an hour lets a tunnel and its clients stay connected.
 */
const MAX_CODE_DELAY_SEC = 3_600;

/**
 * What wrangler is given: the checkout's wrangler.toml, which the tests run, with what this one
 * deployment has of its own. Pure, and without secrets.
 *
 * Source: https://developers.cloudflare.com/workers/wrangler/configuration/
 */
export function deployConfig(settings: WranglerSettings, deployment: Deployment): object {
  const { build: _ours, ...rest } = settings;
  const { name, main, domain, relays } = deployment;
  return {
    ...rest,
    name,
    main,
    vars: { ...settings.vars, ...(relays === undefined ? {} : { RELAYS: relays }) },
    durable_objects: {
      ...settings.durable_objects,
      code_update_strategy: { mode: "deferred", max_delay: MAX_CODE_DELAY_SEC },
    },
    routes: domain === undefined ? [] : [{ pattern: domain, custom_domain: true }],
    // One address: who has found the other would be out of reach of rules set for the domain.
    workers_dev: domain === undefined,
    preview_urls: false,
  };
}

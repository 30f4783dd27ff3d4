import { HOOKS_PATH } from "../../shared/edge-bundle.ts";
import type { Channel, ChannelContext } from "../channels/channel.ts";
import { edgeHooksPath } from "./edge-bundle.ts";
import type { Tunnel, TunnelState } from "../tunnel/handlers.ts";

/** What webhooks are posted below at the edge; one of before knows no other place than its own. */
export function webhooksAt(tunnel: Pick<Tunnel, "takes"> | undefined, path: string): string {
  return tunnel?.takes("hooksPath") === false ? HOOKS_PATH : edgeHooksPath(path);
}

/** Where platforms reach us, and who wants to know when that changes. */
export class WebhookBase {
  readonly #listeners = new Set<() => void>();
  #url: URL | undefined;

  /**
   * Follows the tunnel: while it stands, the edge takes webhooks for us.
   *
   * @param path - `hooks.path`
   */
  follow(tunnel: Tunnel, edge: string, path: string): void {
    const update = ({ connected }: TunnelState): void => {
      this.#url = connected ? new URL(`${webhooksAt(tunnel, path)}/`, edge) : undefined;
      for (const listener of this.#listeners) listener();
    };
    tunnel.onChange(update);
    update(tunnel.state);
  }

  /** What `channel` needs to know of the world. */
  contextFor(
    channel: Channel,
    accept: (source: string, events: Parameters<ChannelContext["keep"]>[0][]) => Promise<number>,
  ): ChannelContext {
    return {
      keep: async (event) => (await accept(channel.id, [event])) > 0,
      webhookBase: () => this.#url,
      onWebhookBaseChange: (listener, signal) => {
        this.#listeners.add(listener);
        signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
      },
    };
  }
}

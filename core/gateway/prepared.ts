import type { Logger } from "pino";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../channels/clock.ts";
import { createChannels } from "../channels/registry.ts";
import type { IngressSettings } from "../config/ingress.ts";
import type { Settings } from "../config/settings.ts";
import type { ModelIdentity } from "../http/models.ts";
import type { Model } from "../models/model.ts";
import { createModel } from "../models/registry.ts";
import { outageAlert, publishedRoutes } from "../webhooks/publish.ts";
import { edgeBundle } from "./edge-bundle.ts";

/** What leading takes and needs no store: made, and its SDKs loaded, while another core leads. */
export interface Prepared {
  readonly models: readonly [Model, ...Model[]];
  /** The first of them. */
  readonly model: ModelIdentity;
  readonly channels: readonly Channel[];
  /** The settings as they are now: what may change while we run is asked for each time. */
  readonly settings: () => Settings;
  /** Webhooks as they are set now. */
  readonly ingress: () => IngressSettings;
  /** What an edge of ours must know now. */
  readonly bundle: () => EdgeBundle;
  /**
   * Takes over settings whose changes need no restart. When it throws, nothing has changed.
   *
   * @throws GatewayError that says what the edge would not take.
   */
  apply(settings: Settings): Promise<void>;
}

/** @throws GatewayError that says in one line which setting can never work. */
export async function prepare(
  settings: Settings,
  parts: { readonly clock: Clock; readonly random: () => number; readonly log: Logger },
): Promise<Prepared> {
  const models = await createChain(settings);
  const channels = await createChannels({ telegram: settings.telegram }, parts);
  let live = { settings, bundle: await bundleOf(settings, channels) };
  return {
    models,
    model: { id: models[0].id, demo: models[0].demo },
    channels,
    settings: () => live.settings,
    ingress: () => live.settings.ingress,
    bundle: () => live.bundle,
    async apply(next) {
      live = { settings: next, bundle: await bundleOf(next, channels) };
    },
  };
}

async function createChain({ modelChain, providers }: Settings): Promise<[Model, ...Model[]]> {
  const [first, ...fallbacks] = modelChain;
  const others = fallbacks.map((ref) => createModel(ref, providers));
  return [await createModel(first, providers), ...(await Promise.all(others))];
}

async function bundleOf(
  { gateway, ingress, limits }: Settings,
  channels: readonly Channel[],
): Promise<EdgeBundle> {
  const [own, ...ofChannels] = await Promise.all([
    publishedRoutes(ingress.routes),
    ...channels.map((channel) => channel.ingress()),
  ]);
  return edgeBundle({
    tokenDigests: [await digestOf(gateway.token.secret.reveal())],
    routes: [...own, ...ofChannels.flat()],
    rate: limits.rate,
    outageAlert: await outageAlert(ingress.alerts, (id) => channels.find((one) => one.id === id)),
  });
}

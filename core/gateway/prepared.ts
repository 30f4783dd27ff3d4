import type { Logger } from "pino";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../channels/clock.ts";
import { createChannels } from "../channels/registry.ts";
import type { Settings } from "../config/settings.ts";
import type { ModelIdentity } from "../http/models.ts";
import type { Model } from "../models/model.ts";
import { createModel } from "../models/registry.ts";
import { edgeBundle } from "./edge-bundle.ts";

/** What leading takes and needs no store: made, and its SDKs loaded, while another core leads. */
export interface Prepared {
  readonly models: readonly [Model, ...Model[]];
  /** The first of them. */
  readonly model: ModelIdentity;
  readonly channels: readonly Channel[];
  /** What an edge of ours must know. */
  readonly bundle: EdgeBundle;
}

/** @throws GatewayError that says in one line which setting can never work. */
export async function prepare(
  settings: Settings,
  parts: { readonly clock: Clock; readonly random: () => number; readonly log: Logger },
): Promise<Prepared> {
  const models = await createChain(settings);
  const channels = await createChannels({ telegram: settings.telegram }, parts);
  return {
    models,
    model: { id: models[0].id, demo: models[0].demo },
    channels,
    bundle: await bundleOf(settings, channels),
  };
}

async function createChain({ modelChain, providers }: Settings): Promise<[Model, ...Model[]]> {
  const [first, ...fallbacks] = modelChain;
  const others = fallbacks.map((ref) => createModel(ref, providers));
  return [await createModel(first, providers), ...(await Promise.all(others))];
}

async function bundleOf(
  { gateway, hooks, limits }: Settings,
  channels: readonly Channel[],
): Promise<EdgeBundle> {
  const channelRoutes = await Promise.all(channels.map((channel) => channel.ingress()));
  return edgeBundle({
    tokenDigests: [await digestOf(gateway.token.secret.reveal())],
    hooksDigest: hooks && (await digestOf(hooks.token.secret.reveal())),
    channelRoutes: channelRoutes.flat(),
    rate: limits.rate,
  });
}

import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import {
  CODE_LIFE_MS,
  MAX_PENDING,
  type Pairing,
  type PairingRequest,
} from "../../channels/pairing.ts";
import type { NamedMethod } from "../method.ts";

export interface ChannelPairingParts {
  readonly pairing: Pairing;
  /** Ids of those that run. */
  readonly channels: () => readonly string[];
}

/** Each channel has one account so far, and this is what the protocol calls it. */
const ACCOUNT = "default";

const Name = z.string().min(1).max(64);
const List = z.strictObject({ channel: Name.optional(), accountId: Name.optional() });
const One = z.strictObject({ channel: Name, accountId: Name, requestId: Name });
const Approve = One.extend({
  notify: z.boolean().optional(),
  bootstrapCommandOwner: z.boolean().optional(),
});

/** Methods by which clients let strangers in who wrote to a channel. */
export function channelPairingMethods(parts: ChannelPairingParts): readonly NamedMethod[] {
  const { pairing } = parts;
  return [
    [
      "channels.pairing.list",
      { scope: "operator.pairing", call: (params) => list(List.parse(params), parts) },
    ],
    [
      "channels.pairing.approve",
      {
        scope: "operator.pairing",
        async call(params) {
          const { channel, requestId, accountId, ...wishes } = Approve.parse(params);
          const sender =
            accountId === ACCOUNT ? await pairing.approve(channel, requestId) : undefined;
          if (sender === undefined) throw unknown();
          return {
            requestId,
            senderId: sender.sender,
            notification: wishes.notify === true ? "unsupported" : "not-requested",
            commandOwnerBootstrap:
              wishes.bootstrapCommandOwner === true ? "unavailable" : "not-requested",
          };
        },
      },
    ],
    [
      "channels.pairing.dismiss",
      {
        scope: "operator.pairing",
        async call(params) {
          const { channel, requestId, accountId } = One.parse(params);
          const request =
            accountId === ACCOUNT ? await pairing.dismiss(channel, requestId) : undefined;
          if (request === undefined) throw unknown();
          return { requestId, senderId: request.sender };
        },
      },
    ],
  ];
}

async function list(
  { channel: only, accountId = ACCOUNT }: z.output<typeof List>,
  { pairing, channels }: ChannelPairingParts,
): Promise<object> {
  const ids = accountId === ACCOUNT ? channels() : [];
  const shown = ids.filter((id) => only === undefined || id === only);
  const requests = await Promise.all(
    shown.map(async (id) => (await pairing.pending(id)).map((one) => viewOf(id, one))),
  );
  return {
    accounts: shown.map((id) => ({ ...named(id), notifySupported: false })),
    requests: requests.flat(),
    commandOwnerConfigured: false,
    limits: { pendingPerAccount: MAX_PENDING, ttlMs: CODE_LIFE_MS },
  };
}

function viewOf(channel: string, request: PairingRequest): object {
  const { code, sender, name, createdAt, lastSeenAt } = request;
  return {
    requestId: code,
    ...named(channel),
    senderId: sender,
    senderLabel: name === "" ? sender : name,
    createdAt: new Date(createdAt).toISOString(),
    lastSeenAt: new Date(lastSeenAt).toISOString(),
    expiresAt: new Date(createdAt + CODE_LIFE_MS).toISOString(),
    notifySupported: false,
  };
}

function named(channel: string): object {
  const channelLabel = channel.charAt(0).toUpperCase() + channel.slice(1);
  return { channel, channelLabel, accountId: ACCOUNT };
}

function unknown(): GatewayError {
  return new GatewayError("not_found", "No such request: it is wrong or older than an hour");
}

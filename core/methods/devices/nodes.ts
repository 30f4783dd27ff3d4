import * as z from "zod";
import type { DeviceBook } from "../../devices/book.ts";
import type { Device } from "../../store/device.ts";
import type { NamedMethod } from "../method.ts";

const None = z.strictObject({});

export interface NodeMethodParts {
  readonly book: DeviceBook;
  readonly isConnected: (deviceId: string) => boolean;
  /** Unix ms. */
  readonly now: () => number;
}

/** What clients ask of the devices that are there to do something for the gateway. */
export function nodeMethods({ book, isConnected, now }: NodeMethodParts): readonly NamedMethod[] {
  const viewOf = ({
    deviceId,
    displayName,
    operatorLabel,
    platform,
    remoteIp,
  }: Device): object => ({
    nodeId: deviceId,
    displayName: operatorLabel ?? displayName,
    platform,
    remoteIp,
    paired: true,
    connected: isConnected(deviceId),
    // None of ours is given any command yet.
    caps: [],
    commands: [],
  });
  return [
    [
      "node.list",
      {
        scope: "operator.read",
        async call(params) {
          None.parse(params);
          await book.ready;
          const nodes = book.devices.filter(({ roles }) => roles.includes("node"));
          return { ts: now(), nodes: nodes.map(viewOf) };
        },
      },
    ],
  ];
}

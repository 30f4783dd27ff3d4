import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Pairing } from "../../channels/pairing.ts";
import type { Method } from "../../methods/method.ts";

const List = z.strictObject({ channel: z.string().min(1).max(64) });
const Approve = List.extend({ code: z.string().min(1).max(64) });

/** Methods by which the command line lets strangers in while the gateway holds the store. */
export function pairingMethods(pairing: Pairing): readonly (readonly [string, Method])[] {
  return [
    [
      "pairing.list",
      {
        scope: "operator.admin",
        async call(params) {
          const { channel } = List.parse(params);
          const [requests, approved] = await Promise.all([
            pairing.pending(channel),
            pairing.approved(channel),
          ]);
          return { channel, requests, approved };
        },
      },
    ],
    [
      "pairing.approve",
      {
        scope: "operator.admin",
        async call(params) {
          const { channel, code } = Approve.parse(params);
          const sender = await pairing.approve(channel, code);
          if (sender === undefined) {
            throw new GatewayError("not_found", "No such code: it is wrong or older than an hour");
          }
          return { channel, ...sender };
        },
      },
    ],
  ];
}

/** What a caller may do over HTTP. Pure. */
import { GatewayError } from "../../shared/errors.ts";
import { covers, type OperatorScope } from "../methods/method.ts";
import type { Caller } from "../tunnel/handlers.ts";

/**
 * Checks that `caller` may use a route that needs `scope`. A caller without scopes of its own has
 * all of them: whoever shows the shared token is the owner. A token for chats may do just that.
 *
 * @param forChat - Whether a token that is only for chats is enough.
 * @throws GatewayError forbidden
 */
export function demand(caller: Caller, scope: OperatorScope, forChat: boolean): void {
  const { principal, operatorScopes } = caller;
  if (operatorScopes !== undefined) {
    if (covers(operatorScopes, scope)) return;
    throw new GatewayError("forbidden", `Missing scope: ${scope}`);
  }
  if (principal.scopes.includes("operator")) return;
  if (forChat && principal.scopes.includes("chat")) return;
  throw new GatewayError(
    "forbidden",
    forChat ? "This token may not talk to the agent" : "This token is for chats only",
  );
}

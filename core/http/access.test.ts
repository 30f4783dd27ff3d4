import { expect, test } from "vitest";
import type { OperatorScope } from "../methods/method.ts";
import type { Scope } from "../../shared/principal.ts";
import { demand } from "./access.ts";

function may(
  scopes: readonly Scope[],
  operatorScopes: readonly OperatorScope[] | undefined,
  needed: OperatorScope,
  forChat: boolean,
): boolean {
  const principal = { subject: "s", scopes: [...scopes] };
  try {
    demand({ principal, operatorScopes, requestId: "r", ip: "::1", via: "local" }, needed, forChat);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "forbidden" });
    return false;
  }
}

// What a token is for, what the route needs, and whether it is open to chats.
test.each<
  [string, readonly Scope[], readonly OperatorScope[] | undefined, OperatorScope, boolean, boolean]
>([
  ["the owner writes", ["operator"], undefined, "operator.write", false, true],
  ["a chat token asks", ["chat"], undefined, "operator.write", true, true],
  ["a chat token runs a tool", ["chat"], undefined, "operator.write", false, false],
  ["a token for nothing asks", [], undefined, "operator.read", true, false],
  ["a device that reads reads", [], ["operator.read"], "operator.read", false, true],
  ["a device that reads asks", [], ["operator.read"], "operator.write", true, false],
  ["a device that writes reads", ["operator"], ["operator.write"], "operator.read", false, true],
  ["a device that writes asks", ["operator"], ["operator.write"], "operator.write", true, true],
  ["a device that pairs reads", [], ["operator.pairing"], "operator.read", true, false],
  ["an administrator asks", ["operator"], ["operator.admin"], "operator.write", false, true],
  ["a chat principal narrowed asks", ["chat"], ["operator.read"], "operator.write", true, false],
])("%s: %j with %j for %s", (_name, scopes, operatorScopes, needed, forChat, allowed) => {
  expect(may(scopes, operatorScopes, needed, forChat)).toBe(allowed);
});

import { lazyMethods } from "../lazy.ts";
import type { NamedMethod, OperatorScope } from "../method.ts";
import type { ApprovalParts } from "./methods.ts";

/** All there are: a gateway that nobody asks has not loaded them. */
const SCOPES = {
  "exec.approvals.get": "operator.admin",
  "exec.approvals.set": "operator.admin",
  "exec.approval.list": "operator.approvals",
  "exec.approval.get": "operator.approvals",
  "exec.approval.request": "operator.approvals",
  "exec.approval.waitDecision": "operator.approvals",
  "exec.approval.resolve": "operator.approvals",
} as const satisfies Record<string, OperatorScope>;

/** The `exec.approval*` methods, loaded when the first of them is called. */
export function lazyApprovalMethods(parts: ApprovalParts): readonly NamedMethod[] {
  return lazyMethods(SCOPES, async () => {
    const { approvalMethods } = await import("./methods.ts");
    return approvalMethods(parts);
  });
}

import type { Method, NamedMethod } from "../method.ts";
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
} as const satisfies Record<string, Method["scope"]>;

/** The `exec.approval*` methods, loaded when the first of them is called. */
export function lazyApprovalMethods(parts: ApprovalParts): readonly NamedMethod[] {
  let loaded: Promise<ReadonlyMap<string, Method>> | undefined;
  return Object.entries(SCOPES).map(([name, scope]): NamedMethod => {
    const call: Method["call"] = async (params, context) => {
      loaded ??= load(parts);
      return (await loaded).get(name)?.call(params, context);
    };
    return [name, { scope, call }];
  });
}

async function load(parts: ApprovalParts): Promise<ReadonlyMap<string, Method>> {
  const { approvalMethods } = await import("./methods.ts");
  return new Map(approvalMethods(parts));
}

import { lazyMethods } from "../lazy.ts";
import type { NamedMethod, OperatorScope } from "../method.ts";
import type { ManagementParts } from "./management-parts.ts";

/** All there are: a gateway that nobody asks has not loaded them. */
const SCOPES = {
  "agents.list": "operator.read",
  "agents.create": "operator.admin",
  "agents.update": "operator.admin",
  "agents.delete": "operator.admin",
  "agents.files.list": "operator.read",
  "agents.files.get": "operator.read",
  "agents.files.set": "operator.admin",
  "agent.identity.get": "operator.read",
  "models.list": "operator.read",
  "models.authStatus": "operator.read",
  "models.probe": "operator.admin",
  "tools.catalog": "operator.read",
  "tools.effective": "operator.read",
  "tools.invoke": "operator.write",
  "skills.status": "operator.read",
  "skills.update": "operator.admin",
  "commands.list": "operator.read",
  "usage.status": "operator.read",
  "usage.cost": "operator.read",
  "channels.status": "operator.read",
  "channels.start": "operator.admin",
  "channels.stop": "operator.admin",
  "channels.logout": "operator.admin",
  "wizard.start": "operator.admin",
  "wizard.next": "operator.admin",
  "wizard.cancel": "operator.admin",
  "wizard.status": "operator.admin",
  "question.list": "operator.questions",
  "users.prefs.get": "operator.read",
  "board.get": "operator.read",
  "projects.list": "operator.read",
} as const satisfies Record<string, OperatorScope>;

/** Methods about agents, models, tools, skills and channels, loaded when the first one is called. */
export function managementMethods(parts: ManagementParts): readonly NamedMethod[] {
  return lazyMethods(SCOPES, async () => {
    const { allManagementMethods } = await import("./all.ts");
    return allManagementMethods(parts);
  });
}

/** `agents.files.*`: the files that say who an agent is. */
import { join } from "node:path";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import {
  fileFacts,
  MAX_FILE_BYTES,
  readWorkspaceFile,
  writeWorkspaceFile,
} from "../../agents/workspace/files.ts";
import { WORKSPACE_FILES } from "../../agents/workspace/names.ts";
import type { NamedMethod } from "../method.ts";
import { profileOf } from "./list.ts";
import type { AgentMethodParts } from "./parts.ts";

const List = z.strictObject({ agentId: z.string().min(1).max(64) });
const Get = List.extend({ name: z.string().min(1).max(256) });
const Set = Get.extend({ content: z.string().max(MAX_FILE_BYTES) });

export function fileMethods(parts: AgentMethodParts): readonly NamedMethod[] {
  return [
    [
      "agents.files.list",
      {
        scope: "operator.read",
        call(params) {
          const { id, workspace } = profileOf(parts, List.parse(params).agentId);
          const all = WORKSPACE_FILES.map((name) => entryOf(workspace, name));
          const isNew = all.every(({ name, missing }) => missing || !SAYS_WHO.includes(name));
          // The first conversation of a workspace is not had again.
          const files = all.filter((one) => isNew || one.name !== FIRST || !one.missing);
          return { agentId: id, workspace, files };
        },
      },
    ],
    [
      "agents.files.get",
      {
        scope: "operator.read",
        async call(params) {
          const { agentId, name: given } = Get.parse(params);
          const { id, workspace } = profileOf(parts, agentId);
          const name = knownName(given);
          const content = await readWorkspaceFile(workspace, name);
          const entry = entryOf(workspace, name);
          return {
            agentId: id,
            workspace,
            file:
              content === undefined
                ? { name, path: entry.path, missing: true }
                : { ...entry, missing: false, content },
          };
        },
      },
    ],
    [
      "agents.files.set",
      {
        scope: "operator.admin",
        async call(params) {
          const { agentId, name: given, content } = Set.parse(params);
          const { id, workspace } = profileOf(parts, agentId);
          const name = knownName(given);
          await writeWorkspaceFile(workspace, name, content);
          const file = { ...entryOf(workspace, name), missing: false, content };
          return { ok: true, agentId: id, workspace, file };
        },
      },
    ],
  ];
}

const FIRST = "BOOTSTRAP.md";
/** One of these is there once somebody has been told who they are. */
const SAYS_WHO: readonly string[] = ["SOUL.md", "IDENTITY.md", "USER.md"];

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly missing: boolean;
  readonly size?: number;
  readonly updatedAtMs?: number;
}

function entryOf(workspace: string, name: string): Entry {
  const path = join(workspace, name);
  const facts = fileFacts(workspace, name);
  if (facts === undefined) return { name, path, missing: true };
  const { size, updatedAtMs } = facts;
  return { name, path, missing: false, size, updatedAtMs };
}

/** A closed list: no name leads anywhere else. @throws GatewayError invalid_request */
function knownName(name: string): string {
  if (WORKSPACE_FILES.includes(name)) return name;
  throw new GatewayError("invalid_request", `unsupported file "${name.slice(0, 64)}"`);
}

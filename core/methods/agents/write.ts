/** `agents.create`, `agents.update`, `agents.delete`: written to the config file. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { makeWorkspace } from "../../agents/workspace/files.ts";
import type { NamedMethod } from "../method.ts";
import { profileOf } from "./list.ts";
import type { AgentMethodParts, ConfigTree } from "./parts.ts";
import { retire } from "./retire.ts";

const Name = z.string().trim().min(1).max(128);
const Workspace = z.string().min(1).max(4_096);
const ModelRef = z.string().min(3).max(256);
const Emoji = z.string().max(64).optional();
const Avatar = z.string().max(300_000).optional();

const Create = z.strictObject({
  name: Name,
  workspace: Workspace.optional(),
  model: ModelRef.optional(),
  emoji: Emoji,
  avatar: Avatar,
});
const Update = z.strictObject({
  agentId: z.string().min(1).max(64),
  name: Name.optional(),
  workspace: Workspace.optional(),
  /** Null: that of all agents. */
  model: ModelRef.nullable().optional(),
  emoji: Emoji,
  avatar: Avatar,
});
const Delete = z.strictObject({
  agentId: z.string().min(1).max(64),
  deleteFiles: z.boolean().default(true),
});

export function writeMethods(parts: AgentMethodParts): readonly NamedMethod[] {
  return [
    [
      "agents.create",
      { scope: "operator.admin", call: (params) => create(parts, Create.parse(params)) },
    ],
    [
      "agents.update",
      { scope: "operator.admin", call: (params) => update(parts, Update.parse(params)) },
    ],
    [
      "agents.delete",
      { scope: "operator.admin", call: (params) => remove(parts, Delete.parse(params)) },
    ],
  ];
}

async function create(
  parts: AgentMethodParts,
  { name, workspace, model, emoji, avatar }: z.output<typeof Create>,
): Promise<object> {
  const { directory, configFile } = parts;
  const id = idOf(name);
  if (directory.find(id) !== undefined) {
    throw new GatewayError("invalid_request", `agent "${id}" already exists`);
  }
  if (model !== undefined) await directory.model(model);
  const entry = { name, ...written({ workspace, model, emoji, avatar }) };
  await configFile.patch({ agents: { entries: { ...unwritten(parts), [id]: entry } } });
  const agent = profileOf(parts, id);
  await makeWorkspace(agent.workspace);
  const shown = model === undefined ? {} : { model };
  return { ok: true, agentId: id, name, workspace: agent.workspace, ...shown };
}

async function update(
  parts: AgentMethodParts,
  { agentId, name, workspace, model, emoji, avatar }: z.output<typeof Update>,
): Promise<object> {
  const { id } = profileOf(parts, agentId);
  if (typeof model === "string") await parts.directory.model(model);
  const entry = {
    ...(name === undefined ? {} : { name }),
    ...written({ workspace, model, emoji, avatar }),
  };
  await parts.configFile.patch({ agents: { entries: { ...unwritten(parts), [id]: entry } } });
  if (workspace !== undefined) await makeWorkspace(profileOf(parts, id).workspace);
  return { ok: true, agentId: id };
}

async function remove(
  parts: AgentMethodParts,
  { agentId, deleteFiles }: z.output<typeof Delete>,
): Promise<object> {
  const { directory, configFile, settings } = parts;
  const agent = profileOf(parts, agentId);
  if (agent.isDefault) {
    throw new GatewayError("invalid_request", `"${agent.id}" cannot be deleted: it is the default`);
  }
  const { agents, bindings } = await configFile.read();
  const isOther = (one: unknown, key: string): boolean => textAt(one, key) !== agent.id;
  const list = listAt(agents, "list").filter((one) => isOther(one, "id"));
  const kept = asList(bindings).filter((one) => isOther(one, "agentId"));
  const removedBindings = asList(bindings).length - kept.length;
  await configFile.patch({
    agents: {
      entries: { [agent.id]: null },
      ...(listAt(agents, "list").length === list.length ? {} : { list }),
    },
    ...(removedBindings > 0 ? { bindings: kept } : {}),
  });
  const answer = { ok: true, agentId: agent.id, removedBindings };
  if (!deleteFiles) return answer;
  const shared = directory.list().some(({ workspace }) => workspace === agent.workspace);
  const retired = shared ? [] : await retire(agent.workspace, settings().stateDir, parts.now());
  return { ...answer, removed: retired };
}

/** Of a file that names no agent: with another one in it, the one there was must be named. */
function unwritten({ directory, settings }: AgentMethodParts): ConfigTree {
  const { list, entries } = settings().config.agents;
  const isNone = list.length === 0 && Object.keys(entries).length === 0;
  return isNone ? { [directory.defaultId()]: {} } : {};
}

interface Given {
  readonly workspace?: string | undefined;
  readonly model?: string | null | undefined;
  readonly emoji?: string | undefined;
  readonly avatar?: string | undefined;
}

function written({ workspace, model, emoji, avatar }: Given): ConfigTree {
  const identity = {
    ...(emoji === undefined ? {} : { emoji }),
    ...(avatar === undefined ? {} : { avatar }),
  };
  return {
    ...(workspace === undefined ? {} : { workspace }),
    ...(model === undefined ? {} : { model }),
    ...(Object.keys(identity).length === 0 ? {} : { identity }),
  };
}

/** @throws GatewayError invalid_request when nothing of the name can be part of an id. */
function idOf(name: string): string {
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .replaceAll(/^[-_]+|[-_]+$/g, "")
    .slice(0, 64);
  if (id !== "") return id;
  throw new GatewayError("invalid_request", "the name needs a letter or a digit of ASCII");
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function listAt(value: unknown, key: string): readonly unknown[] {
  return typeof value === "object" && value !== null ? asList(Reflect.get(value, key)) : [];
}

/** An id, in lower case as all of them are. */
function textAt(value: unknown, key: string): string {
  const text: unknown =
    typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof text === "string" ? text.toLowerCase() : "";
}

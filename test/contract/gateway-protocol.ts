/** The published schemas of the gateway protocol, found by the names of its methods and events. */
import * as published from "@openclaw/gateway-protocol/schema";
import type { TSchema } from "typebox";
import { Errors } from "typebox/value";

const SCHEMAS = new Map<string, TSchema>(
  Object.entries(published).flatMap(([name, schema]) =>
    name.endsWith("Schema") && isSchema(schema) ? [[name, schema]] : [],
  ),
);

/** Names that do not follow from the method's. */
const PARAMS: Readonly<Record<string, string>> = {
  "agent.identity.get": "AgentIdentityParamsSchema",
  "device.scopes.requestUpgrade": "ScopeUpgradeRequestSchema",
  "device.scopes.waitUpgrade": "ScopeUpgradeWaitSchema",
};
const RESULTS: Readonly<Record<string, string>> = {
  "agent.identity.get": "AgentIdentityResultSchema",
  "config.schema": "ConfigSchemaResponseSchema",
  "cron.get": "CronJobSchema",
  "cron.update": "CronJobSchema",
  "secrets.store.delete": "SecretsStoreMutationResultSchema",
  "secrets.store.set": "SecretsStoreMutationResultSchema",
};
/** Properties of events that the package forbids and its own gateway sends, as clients expect. */
const ALSO_SENT: Readonly<Record<string, readonly string[]>> = { agent: ["sessionKey", "agentId"] };

export interface MethodSchemas {
  readonly params: TSchema | undefined;
  readonly result: TSchema | undefined;
}

/** What the package says of a method; neither: it does not know it. */
export function schemasOf(method: string): MethodSchemas {
  const name = pascal(method);
  return {
    params: SCHEMAS.get(PARAMS[method] ?? `${name}ParamsSchema`),
    result: SCHEMAS.get(RESULTS[method] ?? `${name}ResultSchema`),
  };
}

/** @returns What does not fit of an event, in words. */
export function faultsOfEvent(
  event: string,
  payload: Readonly<Record<string, unknown>>,
): readonly string[] {
  const also = ALSO_SENT[event] ?? [];
  const rest = Object.fromEntries(Object.entries(payload).filter(([name]) => !also.includes(name)));
  return faultsOf(SCHEMAS.get(`${pascal(event)}EventSchema`), rest);
}

/** @returns What does not fit, in words; empty when all does. */
export function faultsOf(schema: TSchema | undefined, value: unknown): string[] {
  if (schema === undefined) return [];
  return [...Errors(schema, value)].slice(0, 3).map((fault) => JSON.stringify(fault).slice(0, 300));
}

function pascal(name: string): string {
  return name
    .split(/[.-]/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("");
}

function isSchema(value: unknown): value is TSchema {
  return typeof value === "object" && value !== null;
}

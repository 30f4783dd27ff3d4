/** `secrets.store.*`: what is kept in the state folder. No method gives a secret out again. */
import * as z from "zod";
import { Secret } from "../../../shared/secret.ts";
import { referredIn } from "../../config/secrets/referred.ts";
import { SecretStore } from "../../config/secrets/store.ts";
import { type CallContext, MethodError, type NamedMethod } from "../method.ts";
import type { SecretMethodParts } from "./parts.ts";
import { reloadSecrets } from "./reload.ts";

const Name = z.string().min(1).max(128);
const SetParams = z.strictObject({
  name: Name,
  value: z.string().transform((text) => new Secret(text)),
  kind: z.enum(["secret", "env"]),
  allowedHosts: z.array(z.string().min(1).max(253)).max(128).optional(),
});
const DeleteParams = z.strictObject({ name: Name });

export function storeMethods(parts: SecretMethodParts): readonly NamedMethod[] {
  const store = (): SecretStore => new SecretStore(parts.settings().stateDir, parts.uid);

  async function list(params: unknown): Promise<object> {
    z.strictObject({}).parse(params);
    const entries = (await store().list()).map(({ value, updatedBy, ...entry }) => ({
      ...entry,
      scopeKind: "team",
      scopeId: "",
      ...(updatedBy === undefined ? {} : { updatedBy }),
      ...(value === undefined ? { allowedHosts: [] } : { value }),
    }));
    return { entries };
  }

  async function set(params: unknown, context: CallContext): Promise<object> {
    const { name, value, kind, allowedHosts = [] } = SetParams.parse(params);
    if (allowedHosts.length > 0) {
      const message = "allowedHosts is for OpenClaw's egress proxy, which is not there";
      throw new MethodError("INVALID_REQUEST", message);
    }
    const { displayName, clientId } = context.client;
    const entry = { name, value, kind, updatedBy: (displayName ?? clientId).slice(0, 128) };
    await store().set([entry], parts.now());
    return { ok: true, ...(await takenOver(name, context)) };
  }

  async function remove(params: unknown, context: CallContext): Promise<object> {
    const { name } = DeleteParams.parse(params);
    await store().remove([name]);
    return { ok: true, ...(await takenOver(name, context)) };
  }

  /** What nothing refers to changes nothing. */
  async function takenOver(
    name: string,
    context: CallContext,
  ): Promise<{ readonly reloaded: boolean; readonly warningCount?: number }> {
    const tree = await (await parts.settings().openWriter()).read();
    if (!referredIn(tree, "store").has(name)) return { reloaded: false };
    try {
      return { reloaded: true, warningCount: await reloadSecrets(parts, context) };
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      const message = `the store is changed, but ${error.message}`;
      throw new MethodError(error.code, message, error.details);
    }
  }

  return [
    ["secrets.store.list", { scope: "operator.admin", call: list }],
    ["secrets.store.set", { scope: "operator.admin", call: set }],
    ["secrets.store.delete", { scope: "operator.admin", call: remove }],
  ];
}

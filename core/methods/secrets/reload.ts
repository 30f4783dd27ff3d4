import * as z from "zod";
import { issueText } from "../../config/issues/error.ts";
import { WrittenReference } from "../../config/secrets/reference.ts";
import { isTree, valueAt } from "../../config/tree.ts";
import { type CallContext, MethodError, type NamedMethod } from "../method.ts";
import type { SecretMethodParts } from "./parts.ts";

/** A command asks for a handful. */
const MAX_TARGETS = 256;
const Paths = z.array(z.string().min(1).max(1_024)).max(MAX_TARGETS).optional();
const ResolveParams = z.strictObject({
  commandName: z.string().trim().min(1).max(256),
  targetIds: z.array(z.string().trim().min(1).max(256)).max(MAX_TARGETS),
  allowedPaths: Paths,
  forcedActivePaths: Paths,
  optionalActivePaths: Paths,
  providerOverrides: z
    .strictObject({
      webSearch: z.string().min(1).max(256).optional(),
      webFetch: z.string().min(1).max(256).optional(),
    })
    .optional(),
});

/** What the running gateway knows of the secrets its config refers to. */
export function reloadMethods(parts: SecretMethodParts): readonly NamedMethod[] {
  return [
    [
      "secrets.reload",
      {
        scope: "operator.admin",
        async call(params, context) {
          z.strictObject({}).parse(params);
          return { ok: true, warningCount: await reloadSecrets(parts, context) };
        },
      },
    ],
    ["secrets.resolve", { scope: "operator.admin", call: (params) => told(params, parts) }],
  ];
}

/**
 * Asks every place for its secrets again.
 *
 * @returns How many references could not be read: those keep what they had, or count as left out.
 * @throws MethodError UNAVAILABLE when nothing was taken over.
 */
export async function reloadSecrets(
  { settings, reload }: SecretMethodParts,
  { patience }: CallContext,
): Promise<number> {
  if (settings().config.gateway.reload.mode === "off") {
    const why = "gateway.reload.mode is off: secrets are read at the next start";
    throw new MethodError("UNAVAILABLE", `secrets.reload failed: ${why}`);
  }
  // Where another secret needs a restart, that one waits for this call to end.
  await Promise.race([reload(), whenAborted(patience)]);
  const { valid, issues } = await (await settings().openWriter()).snapshot();
  if (!valid) {
    const [first] = issues;
    const why = first === undefined ? "the config is not valid" : issueText(first);
    throw new MethodError("UNAVAILABLE", `secrets.reload failed: ${why}`);
  }
  return settings().secretMemory.faults.size;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * Says which of the wanted settings are there, and never what they are: whoever has the shared token
 * would have every other credential by it. A command that needs one reads it on its own machine, as
 * the published client does where it gets no assignment.
 */
async function told(params: unknown, { settings }: SecretMethodParts): Promise<object> {
  const { targetIds, allowedPaths } = ResolveParams.parse(params);
  const tree = await (await settings().openWriter()).read();
  const { faults } = settings().secretMemory;
  const diagnostics = targetIds
    .flatMap((id) => referencesOf(tree, id))
    .filter((path) => allowedPaths?.includes(path) !== false)
    .slice(0, MAX_TARGETS)
    .map((path) =>
      faults.has(path)
        ? `${path}: its secret is not to be had in the gateway`
        : `${path}: resolved in the gateway, which gives no secret out`,
    );
  return { ok: true, assignments: [], diagnostics, inactiveRefPaths: [] };
}

/** Settings that a target stands for and that refer to a secret: `*` is any name. */
function referencesOf(tree: unknown, target: string): string[] {
  const paths = target.split(".").reduce<readonly (readonly string[])[]>(
    (found, part) =>
      found.flatMap((path) => {
        if (part !== "*") return [[...path, part]];
        const at = valueAt(tree, path);
        return isTree(at) ? Object.keys(at).map((key) => [...path, key]) : [];
      }),
    [[]],
  );
  return paths
    .filter((path) => WrittenReference.safeParse(valueAt(tree, path)).success)
    .map((path) => path.join("."));
}

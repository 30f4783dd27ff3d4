/** Items that stand for others: those of an earlier response, named by their id. */
import * as z from "zod";
import type { ResponseStore } from "../../store/response.ts";
import { refusal } from "../refusal.ts";
import { Item } from "./items.ts";
import { responseOf } from "./object.ts";

/** Responses that one request may refer to: each is read from the disk. */
const MAX_REFERRED = 64;

const Output = z.array(z.looseObject({ id: z.string() }));

/** @throws GatewayError invalid_request for an item that is unknown, forgotten or somebody else's. */
export async function resolveReferences(
  items: readonly Item[],
  owner: string,
  store: Pick<ResponseStore, "find">,
): Promise<Item[]> {
  const ids = items.flatMap((item) => (item.type === "item_reference" ? [item.id] : []));
  const responses = [...new Set(ids.map(responseOf).filter((id) => id !== undefined))];
  if (responses.length > MAX_REFERRED) {
    throw refusal("input", `refers to more than ${MAX_REFERRED} responses`);
  }
  const known = new Map<string, Item>();
  for (const id of responses) {
    const found = await store.find(id, owner);
    for (const output of Output.parse(found?.body["output"] ?? [])) {
      known.set(output.id, Item.parse(output));
    }
  }
  return items.map((item, index) => {
    if (item.type !== "item_reference") return item;
    const target = known.get(item.id);
    if (target === undefined) throw refusal(`input[${index}].id`, "Item not found.");
    return target;
  });
}

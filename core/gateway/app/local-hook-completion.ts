/** `waitForCompletion` of `POST /hooks/agent`: its answer comes when the agent is done. */
import * as z from "zod";
import { jsonBody } from "../../../shared/ingress/items.ts";
import type { Completion } from "../../webhooks/completions.ts";
import type { DeskRoute } from "../../webhooks/route-table.ts";

const Wish = z.object({ waitForCompletion: z.literal(true) });

/** Only of the one route: mappings, and all other senders, are answered once there is a copy. */
export function asksForCompletion({ cases }: DeskRoute, body: Uint8Array): boolean {
  const [first] = cases;
  const isAgent =
    cases.length === 1 && first?.target.kind === "hook" && first.target.hook === "agent";
  return isAgent && Wish.safeParse(jsonBody(body)).success;
}

const Kept = z.object({ ok: z.literal(true), runId: z.string() });

/**
 * The same answer, with how the run ended. Without it, it goes on: the same `Idempotency-Key` asks
 * for it again.
 *
 * @param ending - Of the run with this id.
 */
export async function withCompletion(
  kept: Response,
  ending: (id: string) => Promise<Completion | undefined>,
): Promise<Response> {
  const answer = Kept.parse(await kept.json());
  const completion = await ending(answer.runId);
  return Response.json(completion === undefined ? answer : { ...answer, completion });
}

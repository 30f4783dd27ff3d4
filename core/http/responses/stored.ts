import { GatewayError } from "../../../shared/errors.ts";
import type { ResponseStore } from "../../store/response.ts";
import type { Caller } from "../../tunnel/handlers.ts";

type Store = Pick<ResponseStore, "find" | "remove">;

/**
 * Answers `GET /v1/responses/{id}`.
 *
 * @throws GatewayError not_found, also for a response of somebody else.
 */
export async function retrieveResponse(
  id: string,
  request: Request,
  { principal }: Caller,
  store: Store,
): Promise<Response> {
  if (new URL(request.url).searchParams.get("stream") === "true") {
    throw new GatewayError("invalid_request", "A response is streamed only while it is made", {
      param: "stream",
    });
  }
  const found = await store.find(id, principal.subject);
  if (found === undefined) throw notFound();
  return Response.json(found.body);
}

/** Answers `DELETE /v1/responses/{id}`. @throws GatewayError not_found */
export async function deleteResponse(
  id: string,
  { principal }: Caller,
  store: Store,
): Promise<Response> {
  if (!(await store.remove(id, principal.subject))) throw notFound();
  return Response.json({ id, object: "response", deleted: true });
}

/**
 * Answers `POST /v1/responses/{id}/cancel`: always a refusal, as OpenAI refuses it for responses
 * that were not made in the background.
 *
 * @throws GatewayError not_found, invalid_request
 */
export async function cancelResponse(
  id: string,
  { principal }: Caller,
  store: Store,
): Promise<never> {
  if ((await store.find(id, principal.subject)) === undefined) throw notFound();
  throw new GatewayError(
    "invalid_request",
    "Only a response made in the background can be canceled: close the connection of the others",
  );
}

function notFound(): GatewayError {
  return new GatewayError("not_found", "Response not found.");
}

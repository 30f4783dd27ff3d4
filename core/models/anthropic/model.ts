import {
  Anthropic,
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
} from "@anthropic-ai/sdk";
import { GatewayError } from "../../../shared/errors.ts";
import type { ModelFault } from "../failure.ts";
import type { Model, ModelEvent, ModelRequest } from "../model.ts";
import type { AdapterSettings } from "../settings.ts";
import { networkReason } from "../network-reason.ts";
import { readReply } from "../read-reply.ts";
import { Tolerance } from "../tolerant.ts";
import { Watch } from "../watch.ts";
import { createReader } from "./events.ts";
import { serviceOf, toParams } from "./request.ts";

/** Some models want it named beside the field, which the others ignore. */
const FAST_BETA = { "anthropic-beta": "fast-mode-2026-02-01" };

/** Claude, or any server that speaks Anthropic's Messages API. */
export function createAnthropic(settings: AdapterSettings): Model {
  const id = `${settings.provider}/${settings.model}`;
  const tolerance = new Tolerance();
  return {
    id,
    demo: false,

    async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
      if (request.format?.type === "json_object") {
        const message = `${settings.provider} wants a schema: ask for "json_schema", not "json_object"`;
        yield { type: "failed", code: "invalid_request", message, retryAfterMs: undefined };
        return;
      }
      yield* tolerance.ask(request, (asked) => ask(settings, id, asked, signal));
    },
  };
}

async function* ask(
  settings: AdapterSettings,
  id: string,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  using watch = new Watch(signal, settings.timeouts);
  const open = (): Promise<AsyncIterable<unknown>> => {
    const service = serviceOf(settings, request);
    return createClient(settings, watch).messages.create(
      { ...toParams(settings.model, request, id), ...service },
      { signal: watch.signal, ...(service.speed === undefined ? {} : { headers: FAST_BETA }) },
    );
  };
  yield* readReply({ settings, watch, reader: createReader(id), open, faultOf });
}

/** One client a request: it costs 15 µs, and its `fetch` is the request's own. */
function createClient(settings: AdapterSettings, watch: Watch): Anthropic {
  return new Anthropic({
    // Left out, the SDK would look for credentials in the environment and in files.
    apiKey: settings.apiKey?.reveal() ?? "none",
    ...(settings.apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    baseURL: settings.baseUrl,
    fetch: watch.fetch,
    maxRetries: 0, // retries are decided once, in agents/retry.ts
    timeout: settings.timeouts.firstByteMs + 1_000, // behind the watch, which decides
    logLevel: "off", // at "debug" it prints headers and bodies
    openTelemetry: false,
  });
}

function faultOf(error: unknown): ModelFault {
  if (error instanceof APIConnectionTimeoutError) {
    return { kind: "unreachable", reason: "timeout" };
  }
  if (error instanceof APIConnectionError) {
    return { kind: "unreachable", reason: networkReason(error) };
  }
  if (error instanceof APIError) {
    const { status, type, headers } = error;
    return {
      kind: "answer",
      status: typeof status === "number" ? status : undefined,
      types: type === null ? [] : [type],
      message: error.apiMessage ?? error.message,
      headers,
    };
  }
  if (error instanceof SyntaxError || error instanceof GatewayError) return { kind: "unreadable" };
  return { kind: "cut" };
}

import { OpenAI, APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import { GatewayError } from "../../../shared/errors.ts";
import type { ModelFault } from "../failure.ts";
import type { Model, ModelEvent, ModelRequest } from "../model.ts";
import { networkReason } from "../network-reason.ts";
import { readReply } from "../read-reply.ts";
import type { AdapterSettings } from "../settings.ts";
import { estimateUsage } from "../tokens.ts";
import { Tolerance } from "../tolerant.ts";
import { Watch } from "../watch.ts";
import { createReader } from "./events.ts";
import { toParams } from "./request.ts";

/** The SDK swallows it, so the watch looks for it: without it a cut answer looks like a short one. */
const END_MARKER = /[\r\n]data: ?\[DONE\]/;

/** GPT, or any server that speaks OpenAI's chat completions. */
export function createOpenAi(settings: AdapterSettings): Model {
  const id = `${settings.provider}/${settings.model}`;
  const tolerance = new Tolerance();
  return {
    id,
    demo: false,
    stream: (request, signal) =>
      tolerance.ask(request, (asked) => ask(settings, id, asked, signal)),
  };
}

async function* ask(
  settings: AdapterSettings,
  id: string,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  using watch = new Watch(signal, settings.timeouts, END_MARKER);
  const reader = createReader(
    () => watch.marked,
    (output) => estimateUsage(request, output),
    id,
  );
  const open = (): Promise<AsyncIterable<unknown>> => {
    const { model, baseUrl, facts } = settings;
    return createClient(settings, watch).chat.completions.create(
      toParams(model, baseUrl, request, { id, facts }),
      { signal: watch.signal },
    );
  };
  yield* readReply({ settings, watch, reader, open, faultOf });
}

/** One client a request: it costs 15 µs, and its `fetch` is the request's own. */
export function createClient(settings: AdapterSettings, watch: Watch): OpenAI {
  return new OpenAI({
    apiKey: settings.apiKey?.reveal() ?? "none",
    ...(settings.apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    // Left out, the SDK would take them from the environment and send them to any provider.
    adminAPIKey: null,
    organization: null,
    project: null,
    baseURL: settings.baseUrl,
    fetch: watch.fetch,
    maxRetries: 0, // retries are decided once, in agents/retry.ts
    timeout: settings.timeouts.firstByteMs + 1_000, // behind the watch, which decides
    logLevel: "off", // at "debug" it prints headers and bodies
  });
}

export function faultOf(error: unknown): ModelFault {
  if (error instanceof APIConnectionTimeoutError) {
    return { kind: "unreachable", reason: "timeout" };
  }
  if (error instanceof APIConnectionError) {
    return { kind: "unreachable", reason: networkReason(error) };
  }
  if (error instanceof APIError) return answerOf(error);
  if (error instanceof SyntaxError || error instanceof GatewayError) return { kind: "unreadable" };
  return { kind: "cut" };
}

function answerOf(error: InstanceType<typeof APIError>): ModelFault {
  // Typed loosely by the SDK, and rightly: OpenRouter puts an HTTP status where others have a word.
  const words: readonly unknown[] = [error.code, error.type];
  const status: unknown = error.status ?? words.find(isStatus);
  return {
    kind: "answer",
    status: isStatus(status) ? status : undefined,
    types: words.filter((word) => typeof word === "string"),
    message: error.message,
    headers: error.headers,
  };
}

function isStatus(value: unknown): value is number {
  return typeof value === "number" && value >= 400 && value <= 599;
}

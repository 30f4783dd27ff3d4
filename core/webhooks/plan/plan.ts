/** What is to be done with a webhook: every event of it, by the cases of its route. */
import { utf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { readPath, valueAt } from "../../../shared/ingress/json-path.ts";
import type { Channel } from "../../channels/channel.ts";
import type { Case, Delivery, SenderScheme, Target } from "../../config/ingress/ingress.ts";
import { HOOK_SOURCE, NOTE_SOURCE } from "../../conversation/hook.ts";
import type { HookInput } from "../../conversation/hook.ts";
import type { NewWebhookWork } from "../../store/webhook.ts";
import { FORWARD_SOURCE } from "../../store/store.ts";
import type { ForwardPayload } from "../forward/forward-payload.ts";
import { readHook } from "./hook-body.ts";
import { chooseCase } from "./conditions.ts";
import { fill, fillApart, wholeBody } from "./template.ts";
import { viewOfEvent, type WebhookView } from "./view.ts";

/** Work of one event, at most: each element of a list is a turn of its own. */
const MAX_EACH = 256;
const MAX_SESSION_UNITS = 256;

/** One event, by the name that edge and core know it by. */
export interface NamedEvent {
  readonly id: string;
  readonly lane: string;
  /** Undefined: the whole body. */
  readonly value: unknown;
}

export interface PlanSource {
  /** Of the webhook as a whole. */
  readonly id: string;
  readonly requestId: string;
  readonly acceptedAt: number;
  readonly events: readonly NamedEvent[];
  readonly view: WebhookView;
  readonly body: Uint8Array;
  readonly cases: readonly Case[];
  readonly channel: (id: string) => Pick<Channel, "id" | "read"> | undefined;
  /** By which scheme its sender can be answered later; undefined: it has left no way. */
  readonly sender: SenderScheme | undefined;
  /** Sets ids of events that a channel reads apart from those of other runs; empty for the first. */
  readonly suffix: string;
}

export interface Plan {
  readonly work: readonly NewWebhookWork[];
  /** Ids of events that no case wants. */
  readonly ignored: readonly string[];
}

type Forward = Extract<Target, { kind: "forward" }>;
type Work = Pick<NewWebhookWork, "id" | "source" | "lane" | "payload" | "events">;

/**
 * Decides.
 *
 * @throws GatewayError invalid_request for a body that its target does not understand, not_found
 *   for a channel that is not configured: neither will be otherwise later.
 */
export function planWork(source: PlanSource): Plan {
  const work: Work[] = [];
  const ignored: string[] = [];
  /** A server gets the bytes as they came, so once, however many events are for it. */
  const forwards = new Map<Forward, NamedEvent[]>();
  for (const event of source.events) {
    const view = viewOfEvent(source.view, event.value);
    const chosen = chooseCase(source.cases, view);
    const target = chosen?.target;
    if (target?.kind === "forward") {
      forwards.set(target, [...(forwards.get(target) ?? []), event]);
      continue;
    }
    const made = target === undefined ? [] : workOn(event, target, view, source, chosen?.forEach);
    if (made.length === 0) ignored.push(event.id);
    work.push(...made);
  }
  work.push(...forwardWork(forwards, source));
  const { acceptedAt: receivedAt, requestId: trace } = source;
  return { work: work.map((one) => ({ ...one, receivedAt, trace })), ignored };
}

function workOn(
  event: NamedEvent,
  target: Exclude<Target, Forward>,
  view: WebhookView,
  source: PlanSource,
  forEach: string | undefined,
): Work[] {
  if (target.kind === "channel") return channelWork(event, target.channel, source);
  const { id, lane } = event;
  return elementsOf(view, forEach).map((element, index) => {
    const payload = hookOf(target, element, source);
    const waits = payload.kind === "wake" && payload.mode === "next-heartbeat";
    const work = index === 0 ? id : `${id}/${index}`;
    return { id: work, source: waits ? NOTE_SOURCE : HOOK_SOURCE, lane, payload };
  });
}

/** One view for each element of a list, in which it is alone. */
function elementsOf(view: WebhookView, list: string | undefined): WebhookView[] {
  const { document } = view;
  const [name] = readPath(list ?? "") ?? [];
  const elements = name === undefined ? undefined : valueAt(document, list ?? "");
  if (name === undefined || !Array.isArray(elements)) return [view];
  if (elements.length > MAX_EACH) {
    throw new GatewayError("invalid_request", `More than ${MAX_EACH} in the list ${list}`);
  }
  const rest = Object.entries(document ?? {}).filter(([key]) => key !== String(name));
  return elements.map((element: unknown) =>
    viewOfEvent(view, Object.fromEntries([...rest, [name, [element]]])),
  );
}

function hookOf(
  target: Exclude<Target, { kind: "channel" | "forward" }>,
  view: WebhookView,
  source: PlanSource,
): HookInput {
  if (target.kind === "hook") return readHook(target.hook, view.text, target.sessions);
  const { template, deliver } = target;
  const { instructions, data } =
    template === undefined
      ? { instructions: "", data: wholeBody(view) }
      : fillApart(template, view);
  const said = {
    ...(instructions === "" ? {} : { instructions }),
    ...recipientOf(deliver, view, source),
  };
  const text = instructions === "" && data === "" ? "(an empty body)" : data;
  if (target.kind === "wake") return { kind: "wake", text, ...said };
  const sessionKey = target.sessionKey && sessionOf(target.sessionKey, view);
  return {
    kind: "agent",
    message: text,
    name: target.name ?? view.route,
    ...(sessionKey === undefined ? {} : { sessionKey }),
    ...said,
  };
}

function recipientOf(
  deliver: Delivery | undefined,
  view: WebhookView,
  { id, sender }: PlanSource,
): Pick<HookInput, "deliver" | "channel" | "to" | "sender"> {
  if (deliver === undefined) return {};
  if (deliver !== "sender") {
    return { deliver: true, channel: deliver.channel, to: fill(deliver.to, view) };
  }
  return sender === undefined ? {} : { sender: { scheme: sender, webhook: id } };
}

/** A key is a name in a table and in a log line. */
/**
 * The session that a template names. Where its own words end no part of the name, they come behind
 * one that is: a body must not be able to finish them to the name of somebody's session.
 */
function sessionOf(template: string, view: WebhookView): string {
  const key = fill(template, view).replaceAll(/[^\x21-\x7e]+/g, "-");
  const [own = "", ...filled] = template.split("{{");
  const isOpen = filled.length > 0 && (!own.includes(":") || key.startsWith("agent:"));
  return (isOpen ? `hook:${key}` : key).slice(0, MAX_SESSION_UNITS);
}

function channelWork(
  { value }: NamedEvent,
  name: string,
  { body, channel, suffix }: PlanSource,
): Work[] {
  const of = channel(name);
  if (of === undefined) throw new GatewayError("not_found", `No channel named ${name}`);
  const bytes = value === undefined ? body : utf8(JSON.stringify(value));
  return of.read(bytes).map((event) => ({
    // Under the channel's own ids: what it polled before is known.
    id: `${event.id}${suffix}`,
    source: of.id,
    lane: event.lane,
    payload: event.payload,
  }));
}

function forwardWork(
  forwards: ReadonlyMap<Forward, readonly NamedEvent[]>,
  { id, view, events }: PlanSource,
): Work[] {
  return [...forwards].map(([target, wanted], index) => {
    const work = index === 0 ? id : `${id}>${index}`;
    const payload: ForwardPayload = { webhook: id, route: view.route, url: target.url.href };
    const lane = wanted[0]?.lane ?? events[0]?.lane ?? view.route;
    const about = wanted.map((event) => event.id).filter((event) => event !== work);
    return { id: work, source: FORWARD_SOURCE, lane, payload, events: about };
  });
}

/** Text with `{{places}}` of a webhook in it. Pure. */
import { valueAt } from "../../../shared/ingress/json-path.ts";
import type { WebhookView } from "./view.ts";

const PLACE = /\{\{\s*([^{}]{1,256}?)\s*\}\}/g;
/** What one place may put in: a few pages. */
const MAX_VALUE_UNITS = 64 * 1024;
/** What all of them may: more would not fit a prompt. */
const MAX_FILLED_UNITS = 192 * 1024;
const CUT = " … (cut)";
/** Whatever a model may take for one: a value must not look like that of another place. */
const LINE_BREAK = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g;

/** The owner's words, and what a stranger has put in their places. */
export interface Filled {
  /** The template as it is: its places stand for what is in `data`. */
  readonly instructions: string;
  /** Every place with what stands there, a line each, further lines indented; empty when there are none. */
  readonly data: string;
}

/**
 * Fills a template without mixing: whoever writes the body must not be able to finish the owner's
 * sentences. So the places stay in the text, and are told apart from it, by name.
 */
export function fillApart(template: string, view: WebhookView): Filled {
  const instructions = template.replaceAll(
    PLACE,
    (whole, name: string) => own(name, view) ?? whole,
  );
  const names = new Set([...instructions.matchAll(PLACE)].map(([, name = ""]) => name));
  let room = MAX_FILLED_UNITS;
  const lines = [...names].map((name) => {
    const text = cut(textAt(name, view), Math.min(room, MAX_VALUE_UNITS));
    room -= text.length;
    return `{{${name}}}: ${text.replaceAll(LINE_BREAK, "\n  ")}`;
  });
  return { instructions, data: lines.join("\n") };
}

/** Fills a template in place: for names and addresses, never for what a model reads. */
export function fill(template: string, view: WebhookView): string {
  let room = MAX_FILLED_UNITS;
  return template.replaceAll(PLACE, (_whole, name: string) => {
    const text = cut(own(name, view) ?? textAt(name, view), Math.min(room, MAX_VALUE_UNITS));
    room -= text.length;
    return text;
  });
}

/** The body as the agent gets it when there is no template. */
export function wholeBody({ text }: WebhookView): string {
  return cut(text, MAX_FILLED_UNITS);
}

/** What we know by ourselves: nobody else has a say in it. */
function own(name: string, { route, receivedAt }: WebhookView): string | undefined {
  if (name === "route" || name === "path") return route;
  return name === "now" ? new Date(receivedAt).toISOString() : undefined;
}

function textAt(name: string, view: WebhookView): string {
  const value = lookUp(name, view);
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function lookUp(name: string, view: WebhookView): unknown {
  if (name === "body") return view.text;
  const [, kind, rest = ""] = /^(headers|query|payload)\.(.+)$/s.exec(name) ?? [];
  if (kind === "headers") return headerOf(rest, view.headers);
  if (kind === "query") return new URLSearchParams(view.query).get(rest) ?? undefined;
  const found = valueAt(view.document, name);
  // OpenClaw's other name for what the body has at its top.
  return found === undefined && kind === "payload" ? valueAt(view.document, rest) : found;
}

function headerOf(name: string, headers: Headers): string | undefined {
  // `Headers` throws on a name that no header can have.
  return /^[A-Za-z0-9!#$%&'*+.^_|~-]+$/.test(name) ? (headers.get(name) ?? undefined) : undefined;
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, Math.max(0, max)).toWellFormed()}${CUT}`;
}

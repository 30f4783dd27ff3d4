/** Flags that say which webhooks are meant. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { State } from "../../webhooks/methods/answers.ts";

export const FILTER_OPTIONS = {
  route: { type: "string" },
  state: { type: "string" },
  since: { type: "string" },
  until: { type: "string" },
} as const;

/** What is listed when nobody says how much, and the most one call may ask for. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 10_000;

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const AGO = /^(?<count>\d{1,6})(?<unit>[smhd])$/;
/** A date, or a date and a time. `Date` alone would take any number and much of what people type. */
const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

const Limit = z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT);

export interface Filter {
  readonly route?: string;
  readonly state?: State;
  /** Unix ms. */
  readonly since?: number;
  readonly until?: number;
}

type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** @throws GatewayError invalid_request that names the flag. */
export function filterOf({ route, state, since, until }: Flags, now: number): Filter {
  return {
    ...(typeof route === "string" ? { route } : {}),
    ...(state === undefined ? {} : { state: stateOf(state) }),
    ...(since === undefined ? {} : { since: timeOf("since", since, now) }),
    ...(until === undefined ? {} : { until: timeOf("until", until, now) }),
  };
}

/** @throws GatewayError invalid_request */
export function limitOf({ limit }: Flags): number {
  const parsed = Limit.safeParse(limit);
  if (parsed.success) return parsed.data;
  throw new GatewayError("invalid_request", `--limit must be a number from 1 to ${MAX_LIMIT}`);
}

function stateOf(text: string | boolean): State {
  const parsed = State.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new GatewayError("invalid_request", `--state must be one of ${State.options.join(", ")}`);
}

/** `90s`, `15m`, `1h`, `2d` ago, or a date. */
function timeOf(flag: string, text: string | boolean, now: number): number {
  const { count, unit } = AGO.exec(String(text))?.groups ?? {};
  if (count !== undefined && isUnit(unit)) return now - Number(count) * UNITS_MS[unit];
  const at = ISO.test(String(text)) ? Date.parse(String(text)) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new GatewayError(
    "invalid_request",
    `--${flag} must be like 15m, 1h, 2d or 2026-01-31T12:00`,
  );
}

function isUnit(text: string | undefined): text is keyof typeof UNITS_MS {
  return text !== undefined && Object.hasOwn(UNITS_MS, text);
}

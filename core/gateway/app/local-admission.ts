import { type Admit, admission, type NotAdmitted } from "../../../shared/ingress/admission.ts";
import type { DeskRoute } from "../../webhooks/route-table.ts";

/** What is left of a route's allowance. */
interface Bucket {
  tokens: number;
  /** Unix ms. */
  at: number;
}

/**
 * Who may post a webhook at our own port, and how often: what the edge decides for those that come
 * through it. New settings are new routes, and begin anew.
 */
export class LocalAdmission {
  readonly #admits = new WeakMap<DeskRoute, Admit>();
  readonly #buckets = new WeakMap<DeskRoute, Bucket>();

  /**
   * Undefined: may come in. Nobody here knows countries, so a route that takes some takes none.
   *
   * @param ip - Of the peer itself: what a proxy says of others is not believed here.
   */
  refusal(route: DeskRoute, ip: string): NotAdmitted | undefined {
    let admit = this.#admits.get(route);
    if (admit === undefined) {
      admit = admission(route.admission);
      this.#admits.set(route, admit);
    }
    return admit(ip, undefined);
  }

  /**
   * Counts a webhook whose sender is known.
   *
   * @returns 0, or how long until the route takes another, ms.
   */
  take(route: DeskRoute, now: number): number {
    if (route.rate === undefined) return 0;
    const { perSecond, burst } = route.rate;
    const bucket = this.#buckets.get(route) ?? { tokens: burst, at: now };
    // A clock that went back gives nothing and costs nothing.
    const elapsedMs = Math.max(0, now - bucket.at);
    const tokens = Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1000);
    const isAllowed = tokens >= 1;
    const left = isAllowed ? tokens - 1 : tokens;
    this.#buckets.set(route, { tokens: left, at: Math.max(now, bucket.at) });
    return isAllowed ? 0 : ((1 - left) / perSecond) * 1000;
  }
}

import { IngressRoute } from "../../shared/ingress/route.ts";
import type { BoundScheme, Checkable } from "../../shared/ingress/registry.ts";
import type { Channel } from "../channels/channel.ts";
import type { Case, IngressRouteSettings, IngressSettings } from "../config/ingress/ingress.ts";

/** A webhook route as the core works with it, whoever set it up. */
export interface DeskRoute {
  readonly name: string;
  readonly scheme: BoundScheme;
  readonly verifyAt: "edge" | "core";
  readonly methods: IngressRoute["methods"];
  readonly contentTypes: readonly string[] | undefined;
  /** Undefined: everybody. */
  readonly admission: IngressRoute["admission"];
  /** Undefined: as many as come. */
  readonly rate: IngressRoute["rate"];
  readonly maxBodyBytes: number;
  readonly dedupe: IngressRoute["dedupe"];
  readonly laneHeader: string | undefined;
  /** A header that holds a secret as it is, beside those that always do. */
  readonly secretHeader: string | undefined;
  /** How long its senders wait for what the core answers, ms; 0: they do not. */
  readonly syncMs: number;
  readonly cases: readonly Case[];
}

/** Routes of the settings, and those that channels want to be called on: as they are now. */
export class RouteTable {
  readonly #ingress: () => IngressSettings;
  readonly #channel: (id: string) => Channel | undefined;
  /** Made of settings that do not change; new settings are new objects. */
  readonly #made = new WeakMap<IngressRouteSettings | Channel, Promise<DeskRoute | undefined>>();

  constructor(ingress: () => IngressSettings, channel: (id: string) => Channel | undefined) {
    this.#ingress = ingress;
    this.#channel = channel;
  }

  /** Undefined: nobody is called by this name. */
  find(name: string): Promise<DeskRoute | undefined> {
    const settings = this.#ingress().routes.find((route) => route.name === name);
    if (settings !== undefined) return this.#once(settings, () => ofSettings(settings));
    const channel = this.#channel(name);
    if (channel === undefined) return Promise.resolve(undefined);
    return this.#once(channel, () => ofChannel(channel, name));
  }

  #once(
    key: IngressRouteSettings | Channel,
    make: () => Promise<DeskRoute | undefined>,
  ): Promise<DeskRoute | undefined> {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key));
    return made;
  }
}

async function ofSettings(route: IngressRouteSettings): Promise<DeskRoute> {
  const verification = await route.verification();
  return {
    ...route,
    scheme: await schemeOf(verification),
    secretHeader: secretHeaderOf(verification),
    syncMs: route.mode === "sync" ? (route.sync?.deadlineMs ?? 0) : 0,
  };
}

async function ofChannel(channel: Channel, name: string): Promise<DeskRoute | undefined> {
  const found = (await channel.ingress()).find((one) => one.name === name);
  if (found === undefined) return undefined;
  const route = IngressRoute.parse(found);
  const { verification, sync, mode } = route;
  if (verification.scheme === "core") return undefined;
  const target = { kind: "channel", channel: channel.id } as const;
  return {
    ...route,
    scheme: await schemeOf(verification),
    verifyAt: "edge",
    contentTypes: route.contentTypes,
    admission: route.admission,
    rate: route.rate,
    laneHeader: route.laneHeader,
    secretHeader: secretHeaderOf(verification),
    syncMs: mode === "sync" ? (sync?.deadlineMs ?? 0) : 0,
    cases: [{ when: [], forEach: undefined, target }],
  };
}

/** Loaded with the first webhook: all senders there are take some room. */
async function schemeOf(verification: Checkable): Promise<BoundScheme> {
  const { boundScheme } = await import("../../shared/ingress/registry.ts");
  return boundScheme(verification);
}

function secretHeaderOf(verification: IngressRoute["verification"]): string | undefined {
  return verification.scheme === "header" ? verification.header : undefined;
}

import type { DeviceStore, PairingRequest } from "../store/device.ts";
import type { DeviceNews } from "./news.ts";
import { Decisions } from "./decisions.ts";
import { alive, noted } from "./requests.ts";
import type { Ask, PairingReason } from "./rules.ts";

export interface RequestBookParts {
  readonly store: Pick<DeviceStore, "requests" | "setRequests">;
  readonly now: () => number;
  /** Ids of requests: unguessable. */
  readonly newId: () => string;
  readonly tell: (news: DeviceNews) => void;
}

/** The devices that wait for somebody's word. */
export class RequestBook {
  readonly #parts: RequestBookParts;
  #requests: readonly PairingRequest[] = [];
  readonly #decisions = new Decisions();
  #isNoting = false;

  constructor(parts: RequestBookParts) {
    this.#parts = parts;
  }

  /** Those that still may be approved, oldest first. */
  get open(): readonly PairingRequest[] {
    return alive(this.#requests, this.#parts.now());
  }

  find(requestId: string): PairingRequest | undefined {
    return this.open.find((one) => one.requestId === requestId);
  }

  async load(): Promise<void> {
    const requests = await this.#parts.store.requests();
    this.#requests = requests.toSorted((a, b) => a.ts - b.ts);
  }

  /** A device asks; who is there is told, once. */
  note(
    ask: Ask,
    why: { readonly reason: PairingReason; readonly isRepair: boolean },
  ): PairingRequest {
    const { now, newId, tell } = this.#parts;
    const before = this.#requests;
    const next = noted(before, ask, why, { id: newId(), now: now() });
    this.#requests = next.open;
    this.#write();
    for (const { requestId, deviceId } of before) {
      if (!next.dropped.includes(requestId)) continue;
      this.#decisions.note(requestId, deviceId, "expired");
      tell({ kind: "resolved", requestId, deviceId, decision: "expired" });
    }
    if (next.isNew) tell({ kind: "requested", request: next.request });
    return next.request;
  }

  async close(request: PairingRequest, decision: "approved" | "rejected"): Promise<void> {
    const { requestId, deviceId } = request;
    this.#requests = this.#requests.filter((one) => one.requestId !== requestId);
    await this.#parts.store.setRequests(this.#requests);
    this.#decisions.note(requestId, deviceId, decision);
    this.#parts.tell({ kind: "resolved", requestId, deviceId, decision });
  }

  /** As `DeviceBook.decided`. */
  decided(
    requestId: string,
    deviceId: string,
    signal: AbortSignal,
  ): Promise<"approved" | "rejected" | "expired" | undefined> {
    const isOpen = this.find(requestId) !== undefined;
    return this.#decisions.wait(requestId, deviceId, { isOpen, signal });
  }

  /**
   * Soon, and once for all that come meanwhile: a request that is lost is asked again, and a flood
   * of them must not keep the disk busy.
   */
  #write(): void {
    if (this.#isNoting) return;
    this.#isNoting = true;
    void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    let written: readonly PairingRequest[] | undefined;
    while (written !== this.#requests) {
      written = this.#requests;
      // A disk that fails says so where something must be kept.
      await this.#parts.store.setRequests(written).catch(() => undefined);
    }
    this.#isNoting = false;
  }
}

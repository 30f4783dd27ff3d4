/** Signed webhooks in many lanes, numbered within each, and whether they were done once and in order. */
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Delivered, Delivery } from "../../../core/tunnel/handlers.ts";
import { fromUtf8, randomToken } from "../../../shared/bytes.ts";
import type { IngressRouteInput } from "../../../shared/ingress/route.ts";

const REPOSITORY = "octo-org/hello-world";
/** A sender that was turned away comes again after this. */
const RETRY_MS = 250;
/** A connection that neither answers nor ends is given up. */
const PATIENCE_MS = 30_000;

const Numbered = z.object({ issue: z.object({ number: z.int() }), number: z.int() });

export interface LaneHook {
  /** As the core will know it. */
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** GitHub's webhooks about so many issues: each issue is a lane. */
export class LaneSender {
  readonly route: IngressRouteInput;
  readonly lanes: number;
  readonly #name: string;
  #secret: string;
  readonly #run = randomToken(6);

  constructor(lanes: number, name = "repository", secret = randomToken()) {
    this.lanes = lanes;
    this.#name = name;
    this.#secret = secret;
    this.route = {
      name,
      verification: { scheme: "github", secrets: [secret] },
      maxBodyBytes: 1024 * 1024,
    };
  }

  get path(): string {
    return `/hooks/${this.#name}`;
  }

  /** Signs with another one from now on. */
  useSecret(secret: string): void {
    this.#secret = secret;
  }

  /** Webhook `number` of a lane, both from 0; the same one whenever it is asked for. */
  hook(lane: number, number: number): LaneHook {
    const issue = { number: lane, title: `Issue ${lane} 🐛` };
    const body = JSON.stringify({
      action: "edited",
      issue,
      number,
      repository: { full_name: REPOSITORY },
    });
    const delivery = `${this.#run}-${lane}-${number}`;
    const signature = createHmac("sha256", this.#secret).update(body).digest("hex");
    return {
      id: `${this.#name}:${delivery}`,
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": `sha256=${signature}`,
      },
      body,
    };
  }
}

export interface LaneRun {
  /** Answered 2xx. */
  readonly acknowledged: number;
  /** Tries that were not, and were made again. */
  readonly refused: number;
  readonly seconds: number;
}

export interface LaneLoad {
  readonly perLane: number;
  /** Requests under way at once; default: one a lane. */
  readonly atOnce?: number;
  /** No new ones after it is aborted. */
  readonly until?: AbortSignal;
}

/**
 * Sends webhooks in each lane, the next one when the one before is acknowledged, as whoever wants an
 * order must; what is refused or lost is sent again, as every sender does.
 */
export async function sendLanes(
  sender: LaneSender,
  edge: URL,
  { perLane, atOnce = sender.lanes, until }: LaneLoad,
): Promise<LaneRun> {
  const startedAt = performance.now();
  const isOver = (): boolean => until?.aborted === true;
  let acknowledged = 0;
  let refused = 0;
  const sendFrom = async (first: number): Promise<void> => {
    for (let number = 0; number < perLane && !isOver(); number += 1) {
      for (let lane = first; lane < sender.lanes && !isOver(); lane += atOnce) {
        refused += await sendLane(sender, edge, lane, number);
        acknowledged += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, first) => sendFrom(first)));
  return { acknowledged, refused, seconds: (performance.now() - startedAt) / 1_000 };
}

/** Sends one until it is taken. @returns How often it was not. */
export async function sendLane(
  sender: LaneSender,
  edge: URL,
  lane: number,
  number: number,
): Promise<number> {
  const url = new URL(sender.path, edge);
  for (let refused = 0; ; refused += 1) {
    if (await isTaken(url, sender.hook(lane, number))) return refused;
    await sleep(RETRY_MS);
  }
}

async function isTaken(url: URL, { headers, body }: LaneHook): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { method: "POST", headers, body, signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // The edge has gone: whether it has it, nobody knows.
    return false;
  }
}

/** The core's desk: does each webhook once, and remembers in what order. */
export class LaneDesk {
  readonly #done = new Set<string>();
  readonly #last = new Map<number, number>();
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  /** What was done out of order, one line each. */
  readonly disorder: string[] = [];
  duplicates = 0;
  maxAttempts = 0;

  readonly deliver = (delivery: Delivery): Promise<Delivered> => {
    this.maxAttempts = Math.max(this.maxAttempts, delivery.attempts);
    if (this.#done.has(delivery.id)) {
      this.duplicates += 1;
      return Promise.resolve("duplicate");
    }
    this.#done.add(delivery.id);
    const { issue, number } = Numbered.parse(JSON.parse(fromUtf8(delivery.body)));
    const expected = (this.#last.get(issue.number) ?? -1) + 1;
    if (number !== expected) {
      this.disorder.push(`lane ${issue.number}: ${number} instead of ${expected}`);
    }
    this.#last.set(issue.number, number);
    for (const { count, resolve } of this.#waiting) if (this.#done.size >= count) resolve();
    return Promise.resolve("committed");
  };

  get done(): number {
    return this.#done.size;
  }

  /** Resolves once so many are done. */
  async reaches(count: number): Promise<void> {
    if (this.#done.size >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    await promise;
  }
}

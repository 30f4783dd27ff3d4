import type { Logger } from "pino";
import * as z from "zod";
import type { Fields } from "../../../shared/tunnel/fields.ts";
import type { Session } from "../../../shared/tunnel/session.ts";
import { bundleFor } from "../../../shared/edge-features.ts";
import { ask } from "./ask.ts";
import { printable } from "./ending.ts";
import type { Fence, RelayAnswer, TunnelHandlers } from "../handlers.ts";
import type { TunnelSettings } from "../settings.ts";

const Problem = z.object({ detail: z.string().transform(printable) });
/** What of STATS says who works. */
const Workers = z.object({
  cores: z.array(z.object({ instance: z.string(), leads: z.boolean() })),
});

/** Whom we tell. */
export interface Announced {
  readonly name: string;
  /** What its edge says it can do. */
  readonly features: ReadonlySet<string>;
  /** What was found to be in the way before: it is not told again. */
  readonly problem: string | undefined;
}

/** What a relay makes of our claim. */
export interface Standing {
  readonly leads: boolean;
  /** What is in the way, fit to be shown; undefined when nothing is. */
  readonly problem: string | undefined;
}

/** Whether this core works or waits, and how a relay is told. */
export class Leadership {
  readonly #mode: NonNullable<TunnelSettings["mode"]>;
  readonly #log: Logger;
  #handlers: TunnelHandlers | undefined;
  #fence: Fence | undefined;

  constructor(mode: TunnelSettings["mode"] = "leader", log: Logger) {
    this.#mode = mode;
    this.#log = log;
  }

  /** Undefined until this core does the work. */
  get handlers(): TunnelHandlers | undefined {
    return this.#handlers;
  }

  get isStandby(): boolean {
    return this.#mode === "standby";
  }

  begin(handlers: TunnelHandlers, fence: Fence | undefined): void {
    this.#handlers = handlers;
    this.#fence = fence;
  }

  /** Its fields of HELLO. */
  hello(): Fields {
    return [
      [":features", "reattach"],
      [":mode", this.#mode],
      [":store", this.#fence?.store ?? ""],
      [":epoch", String(this.#fence?.epoch ?? 0)],
    ];
  }

  /**
   * Tells a relay that we lead, and the edge what it must know; of that, all an edge of its version
   * can read.
   *
   * @returns undefined while this core waits.
   * @throws GatewayError when the relay does not answer.
   */
  async announce(
    session: Session,
    { name: relay, features, problem: known }: Announced,
  ): Promise<Standing | undefined> {
    const handlers = this.#handlers;
    const fence = this.#fence;
    if (handlers === undefined) return undefined;
    const { bundle, leftOut } = bundleFor(handlers.bundle(), features);
    // Both leave in one message, the claim first: a relay takes a bundle from who leads only.
    const [claimed, published] = await Promise.all([
      fence === undefined ? NOTHING_TO_CLAIM : ask(session, "PUT", "/lead", fence),
      ask(session, "PUT", "/bundle", bundle),
    ]);
    const refused = [claimed, published].find(({ status }) => status === 409);
    if (refused !== undefined) {
      const problem = detailOf(refused) ?? "another core leads";
      const level = problem === known ? "debug" : "error";
      this.#log[level]({ relay, reason: problem }, "relay does not send us its work");
      return { leads: false, problem };
    }
    // A relay of before there were several cores knows no claim: it has us alone.
    const leads = claimed.status === 204 || claimed.status === 404;
    if (!leads) this.#log.error({ relay, status: claimed.status }, "relay refused our claim");
    const { status } = published;
    if (status === 204) {
      this.#log.info({ relay }, "edge has our routes and tokens");
      return { leads, problem: outdated(leftOut) };
    }
    const detail = detailOf(published);
    this.#log.error({ relay, status, detail }, "edge refused our routes and tokens");
    const hint = detail?.startsWith("not a bundle") === true ? `; ${DEPLOY}` : "";
    return {
      leads,
      problem: `the edge refused our routes and tokens (${detail ?? status})${hint}`,
    };
  }
}

const DEPLOY = "if it is older than this gateway, deploy it again: sallyport edge deploy";

/** Pure. */
function outdated(leftOut: readonly string[]): string | undefined {
  if (leftOut.length === 0) return undefined;
  return `the edge is older than this gateway and does without ${leftOut.join(", ")}; deploy it again: sallyport edge deploy`;
}

/** Whether a relay sends its work to this process; undefined when its STATS do not say. Pure. */
export function leadsBy(stats: unknown, instance: string): boolean | undefined {
  const workers = Workers.safeParse(stats);
  return workers.data?.cores.find((core) => core.instance === instance)?.leads;
}

/** A core without a store shares the work, or has it alone. */
const NOTHING_TO_CLAIM: RelayAnswer = { status: 204, body: undefined };

function detailOf({ body }: RelayAnswer): string | undefined {
  return Problem.safeParse(body).data?.detail;
}

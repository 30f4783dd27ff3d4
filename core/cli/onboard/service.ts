/** What onboarding does about running the gateway as a service. */
import { GatewayError } from "../../../shared/errors.ts";
import { askYesNo } from "../../methods/wizard/questions.ts";
import type { Ask } from "../../methods/wizard/session.ts";
import { findService } from "../../service/look.ts";
import { managerOf } from "../../service/managers.ts";
import type { Io } from "../command.ts";
import { installService } from "../gateway/service/install.ts";
import { machineOf } from "../gateway/service/machine.ts";
import { planService, type ServiceWish } from "../gateway/service/plan.ts";

export type ServiceAnswer =
  | {
      readonly installed: true;
      readonly unit: string;
      readonly pid: number;
      readonly warnings: readonly string[];
    }
  | {
      readonly installed: false;
      readonly reason: "not_asked" | "not_available" | "failed";
      readonly message: string;
    };

const WISH: ServiceWish = {
  scope: "user",
  port: undefined,
  runtimePath: undefined,
  user: "sallyport",
  force: false,
};

/** What is written stays when there is no service: why there is none is in the answer. */
export async function installAsked(asked: boolean, io: Io): Promise<ServiceAnswer> {
  if (!asked) return { installed: false, reason: "not_asked", message: "no service was asked for" };
  const whyNot = await whyNoManager(io);
  if (whyNot !== undefined) {
    const message = `no service: ${whyNot}; run sallyport gateway under a service manager of yours`;
    return { installed: false, reason: "not_available", message };
  }
  try {
    const done = await installService(
      await planService(WISH, io),
      { force: false, linger: false },
      io,
    );
    return { installed: true, unit: done.file, pid: done.pid, warnings: done.warnings };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { installed: false, reason: "failed", message: `no service: ${error.message}` };
  }
}

/** Asked where there is a manager, and no service yet. */
export async function wantsService(ask: Ask, io: Io): Promise<boolean> {
  if ((await whyNoManager(io)) !== undefined) return false;
  if ((await findService(machineOf(io))) !== undefined) return false;
  const message = "Install the gateway as a service, and start it?";
  try {
    return await askYesNo(ask, { title: "Service", message, initialValue: true });
  } catch (error) {
    // They have gone: what they wanted is written, and nobody wanted this.
    if (error instanceof GatewayError && error.code === "canceled") return false;
    throw error;
  }
}

/** Undefined: there is one. */
async function whyNoManager(io: Io): Promise<string | undefined> {
  try {
    return await managerOf(machineOf(io), "user").whyNot();
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}

export function tellService(answer: ServiceAnswer, io: Io): void {
  if (answer.installed) {
    io.out(`service: ${answer.unit}, pid ${answer.pid}`);
    for (const warning of answer.warnings) io.err(`warning: ${warning}`);
  } else if (answer.reason !== "not_asked") io.err(`warning: ${answer.message}`);
}

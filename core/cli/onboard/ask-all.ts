import { resolvePaths } from "../../config/paths.ts";
import { askChoice, askText } from "../../methods/wizard/questions.ts";
import type { Ask } from "../../methods/wizard/session.ts";
import { setUp } from "../../methods/wizard/setup.ts";
import { type Io, settingsOf } from "../command.ts";
import { changeOf } from "./change.ts";
import type { OnboardPlan } from "./flags.ts";
import { requireAddress } from "./model-flags.ts";
import { tellNext, tellWritten } from "./next.ts";
import { setupParts } from "./parts.ts";
import { writeSetup } from "./write.ts";

const MODES = [
  { value: "local", label: "A gateway on this machine" },
  { value: "remote", label: "Use a gateway somewhere else" },
] as const;

/**
 * The questions of a setup: the same as a gateway asks over its protocol.
 *
 * @returns What this machine is now.
 */
export async function askAll(ask: Ask, plan: OnboardPlan, io: Io): Promise<OnboardPlan["mode"]> {
  const plain = plan.values["secret-input-mode"] === "plaintext";
  const { configPath } = resolvePaths(io);
  const title = "Setup";
  const mode =
    plan.mode === "remote" ||
    (await askChoice(ask, { title, message: configPath }, MODES)) === "remote"
      ? "remote"
      : "local";
  if (mode === "remote") await remote(ask, plan, io, plain);
  else {
    const settings = await settingsOf(io);
    requireAddress(plan.model, settings.providers);
    if (hasFlags(plan)) tellWritten(await writeSetup(changeOf(plan), io, plain), io);
    const told = (written: Parameters<typeof tellWritten>[0]): void => tellWritten(written, io);
    await setUp(ask, setupParts(settings, io, { plain, told }), io.stop);
    for (const warning of (await settingsOf(io)).warnings) io.err(`warning: ${warning}`);
  }
  tellNext(mode, io);
  return mode;
}

/** Whether there is more in them than where it is for. */
function hasFlags(plan: OnboardPlan): boolean {
  return JSON.stringify(changeOf(plan)) !== JSON.stringify({ gateway: { mode: plan.mode } });
}

async function remote(ask: Ask, plan: OnboardPlan, io: Io, plain: boolean): Promise<void> {
  const { values } = plan;
  const url =
    values["remote-url"] ??
    (await askText(
      ask,
      { title: "Gateway", message: "Its address: https://… or wss://…" },
      (text) =>
        /^(?:https?|wss?):\/\/[^\s/]+/.test(text) ? undefined : "That is no address of a gateway",
    ));
  const message = "Its token; empty when none is needed";
  const token =
    values["remote-token"] ?? (await askText(ask, { title: "Gateway", message, sensitive: true }));
  const given = { "remote-url": url, ...(token === "" ? {} : { "remote-token": token }) };
  const change = changeOf({ ...plan, mode: "remote", values: { ...values, ...given } });
  tellWritten(await writeSetup(change, io, plain), io);
}

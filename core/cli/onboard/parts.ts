import { GatewayError } from "../../../shared/errors.ts";
import type { Settings } from "../../config/settings.ts";
import { isTree, merge } from "../../config/tree.ts";
import { whyReadOnly } from "../../config/write/read-only.ts";
import { tryModel } from "../../gateway/methods/management.ts";
import { probeChannel } from "../../channels/registry.ts";
import type { SetupParts } from "../../methods/wizard/setup.ts";
import type { Io } from "../command.ts";
import { writeSetup, type Written } from "./write.ts";

/**
 * What the questions of a setup need, on this machine.
 *
 * @throws GatewayError forbidden where what they are for may not be written.
 */
export function setupParts(
  settings: Settings,
  io: Io,
  options: { readonly plain: boolean; readonly told: (written: Written) => void },
): SetupParts {
  const readOnly = whyReadOnly(io.env);
  if (readOnly !== undefined) throw new GatewayError("forbidden", readOnly);
  return {
    tryModel: (ref, key, signal) => tryModel(ref, key, settings.providers, signal, Date.now),
    tryTelegram: (botToken, signal) => probeChannel({ botToken }, signal, Date.now),
    async write(change) {
      // A file that says where it is for is one that OpenClaw takes as well.
      const first = merge({ gateway: { mode: "local" } }, change);
      const whole = settings.configExists || !isTree(first) ? change : first;
      options.told(await writeSetup(whole, io, options.plain));
    },
  };
}

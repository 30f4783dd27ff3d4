import { GatewayError } from "../../../shared/errors.ts";
import { configErrorText } from "../../config/issues/error.ts";
import type { Settings } from "../../config/settings.ts";
import { isTree } from "../../config/tree.ts";
import { writeApart } from "../../config/write/write-apart.ts";
import type { WriteFault } from "../../config/write/writer.ts";
import type { ConfigFile } from "../../methods/agents/parts.ts";

/** Longest a change may take to be in effect: the wait for an editor to be done, and a reading. */
const EFFECT_PATIENCE_MS = 5_000;

/**
 * The config file, for those who change it by what they do.
 *
 * @param inEffect - Resolves when the settings of the file with this hash run, or will not.
 */
export function configFileOf(
  settings: () => Settings,
  inEffect: (hash: string) => Promise<void>,
): ConfigFile {
  return {
    async read() {
      const writer = await settings().openWriter();
      const tree = await writer.read();
      return isTree(tree) ? tree : {};
    },
    async patch(patch) {
      const writer = await settings().openWriter();
      // Whoever sets something up by what he does has no use for its secrets in a file he shows.
      const written = await writeApart(writer, patch);
      if (!written.ok) throw refusalOf(written.error);
      if (written.value.changed) await inEffect(written.value.hash);
    },
  };
}

/** Of a gateway that follows its file: whoever does not see a change in time goes on without it. */
export async function awaitSettings(
  hash: string,
  settings: () => Settings,
  onChange: (listener: () => void, signal: AbortSignal) => void,
): Promise<void> {
  const done = new AbortController();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const look = (): void => {
    if (settings().configHash === hash) resolve(undefined);
  };
  onChange(look, done.signal);
  look();
  if (settings().config.gateway.reload.mode === "off") resolve(undefined);
  const patience = setTimeout(() => resolve(undefined), EFFECT_PATIENCE_MS);
  await promise;
  clearTimeout(patience);
  done.abort();
}

function refusalOf(fault: WriteFault): GatewayError {
  if (fault.reason === "conflict") {
    return new GatewayError("conflict", "the config was changed by somebody else: try again");
  }
  const message = fault.reason === "refused" ? fault.message : configErrorText(fault);
  return new GatewayError("invalid_request", message);
}

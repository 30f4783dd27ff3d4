/** Whether the words of others stand in the owner's session. Pure. */
import type { Settings } from "../../config/settings.ts";
import { KEEP_APART, sharersOf } from "../../gateway/shared-main.ts";
import { ok, type Verdict, warning } from "./finding.ts";

/**
 * @param paired - Senders that the owner approved; undefined: nobody tells.
 * @returns Why it cannot be said, when it depends on them.
 */
export function judgeSessions(
  settings: Pick<Settings, "config" | "telegram">,
  paired: readonly string[] | undefined,
): Verdict | string {
  const { config, telegram } = settings;
  const { dmScope } = config.session;
  if (dmScope === undefined) return ok("what others than the owner write stands in sessions apart");
  if (dmScope !== "main") return ok(`each sender has a session of their own (${dmScope})`);
  const sharers = sharersOf(settings, paired ?? []);
  if (sharers !== undefined) {
    const who = sharers.people === "everybody" ? "everybody" : `${sharers.people} people`;
    return warning(
      `session.dmScope is "main" and ${who} may write on ${sharers.channel}: their words stand in the session whose turns have the owner's tools`,
      KEEP_APART,
    );
  }
  const isOpenQuestion = telegram?.dmPolicy === "pairing" && paired === undefined;
  if (isOpenQuestion) return "no gateway tells who is paired";
  return ok('session.dmScope is "main", and nobody but one person may write');
}

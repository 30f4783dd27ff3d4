/** Whether a channel can be run. Pure. */
import type { ChannelProbe } from "../../channels/probe.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";

export function judgeChannel(isOff: boolean, hasCredential: boolean): Verdict {
  if (isOff) return ok("it is off");
  if (hasCredential) return ok("it is on, with a token; --deep asks Telegram about it");
  return warning(
    "it is set up, and has no token",
    "set channels.telegram.botToken, or TELEGRAM_BOT_TOKEN in .env of the state folder",
  );
}

export function judgeProbe(probe: ChannelProbe): Verdict {
  if (probe.ok) return ok(`Telegram knows it as ${probe.account.name}`);
  return probe.refused
    ? failed(`Telegram: ${probe.error}`, "get another token of @BotFather")
    : warning(`Telegram: ${probe.error}`, "try again; see that this machine reaches Telegram");
}

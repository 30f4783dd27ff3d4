import { addressedSenders } from "./addressed.ts";
import { chatSenders } from "./chat.ts";
import { codeSenders } from "./code.ts";
import { discordSenders } from "./discord.ts";
import { genericSenders } from "./generic.ts";
import { tokenSenders } from "./jwt.ts";
import type { KeyServer } from "./key-server.ts";
import { moneySenders } from "./money.ts";
import { gitlabToken, plainSenders } from "./plain.ts";
import type { Sender } from "./sender.ts";
import { slackSenders } from "./slack.ts";

/** One genuine sender of each scheme, more where a vendor has several ways. @param keys - Of web tokens. */
export async function webhookSenders(keys: KeyServer): Promise<Sender[]> {
  return [
    ...(await plainSenders()),
    ...codeSenders(),
    await gitlabToken(),
    ...moneySenders(),
    ...slackSenders(),
    ...(await chatSenders()),
    ...discordSenders(),
    ...tokenSenders(keys),
    ...addressedSenders(),
    ...genericSenders(),
  ];
}

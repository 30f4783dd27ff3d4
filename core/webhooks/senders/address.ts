/** The way back to the sender of a webhook, as it stands in the body. Pure. */
import * as z from "zod";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";
import { senderJson } from "../../../shared/ingress/sender-json.ts";
import { Secret } from "../../../shared/secret.ts";
import type { SenderScheme } from "../../config/ingress/ingress.ts";

/** Both hold what lets anybody speak in our name for a while. */
export type SenderAddress =
  | { readonly scheme: "slack"; readonly url: Secret }
  | {
      readonly scheme: "discord";
      readonly application: string;
      readonly token: Secret;
      /** The user sees "thinking…", which the answer takes the place of. */
      readonly isPending: boolean;
    };

const Url = z.string().min(1).max(2_048);

/** Of buttons, shortcuts and modals; a modal has one for each of its inputs that asks for it. */
const Payload = z.object({
  response_url: Url.optional().catch(undefined),
  response_urls: z
    .array(z.object({ response_url: Url }))
    .optional()
    .catch(undefined),
});

const BRACE = 0x7b;
const COMMAND = 2;
const COMPONENT = 3;
const MODAL = 5;

/** Commands, buttons and modals; what completes a word while it is typed is answered at once or never. */
const Interaction = z.object({
  type: z.literal([COMMAND, COMPONENT, MODAL]),
  application_id: z.string().regex(/^\d{1,20}$/),
  token: z.string().regex(/^[\w.~+/=-]{1,2048}$/),
});

/** Undefined: it has left no way to answer it later. */
export function addressOf(
  scheme: SenderScheme,
  body: Uint8Array<ArrayBuffer>,
): SenderAddress | undefined {
  return scheme === "slack" ? slackAddress(body) : discordAddress(body);
}

/** Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses */
function slackAddress(body: Uint8Array): SenderAddress | undefined {
  // Events come as JSON, and are answered by nobody but a bot with a token of its own.
  if (body[0] === BRACE) return undefined;
  const form = new URLSearchParams(fromUtf8(body));
  const payload = Payload.safeParse(jsonOrUndefined(form.get("payload") ?? ""));
  const url = payload.success
    ? (payload.data.response_url ?? payload.data.response_urls?.[0]?.response_url)
    : Url.safeParse(form.get("response_url")).data;
  return url === undefined ? undefined : { scheme: "slack", url: new Secret(url) };
}

/** Source: https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages */
function discordAddress(body: Uint8Array): SenderAddress | undefined {
  const interaction = Interaction.safeParse(senderJson(body));
  if (!interaction.success) return undefined;
  const { type, application_id: application, token } = interaction.data;
  // Behind a button "the original" is the message with the button: it stays as it is.
  const isPending = type !== COMPONENT;
  return { scheme: "discord", application, token: new Secret(token), isPending };
}

import { ownSender, shownBy } from "../equality.ts";
import type { VerificationOf } from "../route.ts";
import type { Scheme } from "../scheme.ts";

const BEARER = /^Bearer +(?<token>[\x21-\x7e]{1,512})$/i;
const TOKEN_HEADER = "X-OpenClaw-Token";

/** For senders of our own choosing: a shared token, in `Authorization` or in a header of its own. */
export const bearer: Scheme<"bearer"> = {
  ...ownSender,
  ...shownBy<VerificationOf<"bearer">>((_settings, headers) => ({
    header: "authorization",
    credential:
      BEARER.exec(headers.get("Authorization") ?? "")?.groups?.["token"] ??
      headers.get(TOKEN_HEADER),
  })),
};

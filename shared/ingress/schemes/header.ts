import { ownSender, shownBy } from "../equality.ts";
import type { VerificationOf } from "../route.ts";
import type { Scheme } from "../scheme.ts";

/** For senders that put an API key as it is into a header of theirs. */
export const header: Scheme<"header"> = {
  ...ownSender,
  ...shownBy<VerificationOf<"header">>((settings, headers) => ({
    header: settings.header,
    credential: headers.get(settings.header),
  })),
};

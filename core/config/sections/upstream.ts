import * as z from "zod";
import { Routing } from "../../../shared/edge-bundle.ts";
import { HttpUrl, SecretText } from "../fields.ts";

/** Requests keep their own paths, so there is no room for one here. */
const OriginUrl = HttpUrl.refine((text) => {
  const url = URL.parse(text);
  return url === null || (url.pathname === "/" && url.search === "" && url.hash === "");
}, "must end with its host and port: what people ask for keeps its own path");

/** The gateway that `sallyport connect` puts the edge in front of. */
export const Upstream = z.strictObject({
  url: OriginUrl.optional(),
  /** What opens the upstream; sent in place of the token that opened the edge. */
  token: SecretText.optional(),
  /** The upstream sees the public host name instead of its own. */
  preserveHost: z.boolean().default(false),
  /** It believes what `X-Forwarded-*` and `Forwarded` say, and does not refuse them. */
  trustForwarded: z.boolean().default(false),
  /** `openclaw`: its token goes into the first frame of a WebSocket as well. */
  translate: z.enum(["none", "openclaw"]).default("none"),
  /** What becomes of a client's WebSocket when this process ends and another takes over. */
  onCoreLoss: z.enum(["close", "reopen"]).default("close"),
  /** Browsers may sign in at the edge with its token. */
  login: z.boolean().default(true),
  /** How requests are spread when several of us serve; left out: to whoever has least to do. */
  routing: z.optional(Routing),
  /** Last parts of `/hooks/<name>`: each is taken in at the edge and handed on to the same path. */
  webhooks: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "is no name for a webhook"))
    .max(256)
    .default(["agent", "wake"]),
  /** What the upstream wants with a webhook. Left out: `hooks.token`, which the edge checks. */
  hooksToken: SecretText.optional(),
});

export type Upstream = z.output<typeof Upstream>;

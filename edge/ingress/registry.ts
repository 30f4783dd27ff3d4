import type { IngressRoute } from "../../shared/edge-bundle.ts";
import { bearer } from "./bearer.ts";
import { telegram } from "./telegram.ts";
import type { Verifier } from "./verifier.ts";

type Scheme = IngressRoute["verification"]["scheme"];

const verifiers = { bearer, telegram } satisfies Record<Scheme, Verifier>;

/** How webhooks of this route are checked and answered. */
export function verifierOf(route: IngressRoute): Verifier {
  return verifiers[route.verification.scheme];
}

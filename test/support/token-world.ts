/** Web tokens, the keys they are signed with, and a publisher of those that does as it is told. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createJwtTool } from "../../edge/ingress/jwt.ts";
import type { JwtDemand } from "../../shared/ingress/scheme.ts";

export const NOW = 1_800_000_000_000;
export const NOW_S = NOW / 1_000;
export const JWKS_URL = "https://keys.example/jwks";

/** What a good token claims. */
export const GOOD = {
  iss: "https://issuer.example",
  aud: "app",
  iat: NOW_S,
  nbf: NOW_S,
  exp: NOW_S + 60,
};

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

export const [current, next, stranger] = await Promise.all([pair(), pair(), pair()]);

function pair(): Promise<Pair> {
  return generateKeyPair("RS256", { extractable: true });
}

/** A key as it stands in a list. */
export async function published({ publicKey }: Pair, kid: string, more: object = {}) {
  return { ...(await exportJWK(publicKey)), kid, use: "sig", ...more };
}

export function tokenOf(claims: object = GOOD, kid = "k1", signer = current): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "RS256", kid })
    .sign(signer.privateKey);
}

export class TokenWorld {
  /** What each address answers; those that are not here: 404. */
  readonly documents = new Map<string, () => Response | Promise<Response>>();
  readonly asked: string[] = [];
  readonly #tool = createJwtTool(async (url) => {
    this.asked.push(url);
    return this.documents.get(url)?.() ?? new Response(null, { status: 404 });
  });

  /** `current` is published as `k1`. */
  static async start(): Promise<TokenWorld> {
    const world = new TokenWorld();
    world.publish(await published(current, "k1", { endorsements: ["msteams"] }));
    return world;
  }

  publish(...keys: unknown[]): void {
    this.documents.set(JWKS_URL, () => Response.json({ keys }));
  }

  verify(token: string, change: Partial<JwtDemand> = {}) {
    return this.#tool(() => undefined)({
      token,
      keys: { kind: "jwks", url: JWKS_URL },
      issuers: ["https://issuer.example", "issuer.example"],
      audiences: ["other", "app"],
      clockTolerance: 5,
      now: NOW,
      ...change,
    });
  }

  async reason(token: string, change: Partial<JwtDemand> = {}): Promise<string> {
    const result = await this.verify(token, change);
    return result.ok ? "good" : result.error.reason;
  }
}

/** Secrets that cannot be right, told before a webhook is refused for them. */
import { fromBase64 } from "./crypto.ts";
import type { Verification } from "./route.ts";
import { type SecretEncoding, secretBytes } from "./signature.ts";

const PUBLIC_KEY = /^whpk_[A-Za-z0-9+/]{43}=$/;

/**
 * What is wrong with the secrets or keys of a route, in words that say nothing of what they are;
 * undefined: nothing that shows.
 */
export function secretFault(verification: Verification): string | undefined {
  switch (verification.scheme) {
    case "standard":
    case "svix":
      return unfit(
        verification.secrets.filter((secret) => !PUBLIC_KEY.test(secret)),
        "whsec",
        "a secret must be base64 behind whsec_, or a public key behind whpk_",
      );
    case "gitlab":
      return unfit(verification.secrets, "whsec", "a signing token must be base64 behind whsec_");
    case "adyen":
      return unfit(verification.secrets, "hex", "an HMAC key must be hexadecimal");
    case "teams-outgoing":
      return unfit(verification.secrets, "base64", "a security token must be base64");
    case "hmac":
      return (
        unfit(
          verification.secrets,
          verification.secretEncoding,
          `a secret must be ${verification.secretEncoding}, as secretEncoding says`,
        ) ?? templateFault(verification)
      );
    case "sendgrid":
      return verification.publicKeys.every((key) => fromBase64(key) !== undefined)
        ? undefined
        : "a verification key must be base64, as SendGrid shows it";
    default:
      return undefined;
  }
}

function unfit(
  secrets: readonly string[],
  encoding: SecretEncoding,
  sentence: string,
): string | undefined {
  const isFit = secrets.every((secret) => secretBytes(secret, encoding) !== undefined);
  return isFit ? undefined : sentence;
}

type Hmac = Extract<Verification, { scheme: "hmac" }>;

const PLACES = ["{body}", "{timestamp}", "{url}", "{method}", "{path}", "{id}"] as const;

/**
 * What a template asks for must be found somewhere.
 *
 * @returns What is wrong; undefined: nothing.
 */
export function templateFault(settings: Hmac): string | undefined {
  const { signed, timestamp, id } = settings;
  const places: readonly string[] = PLACES;
  const unknown = signed.match(/\{[a-z]+\}/g)?.find((place) => !places.includes(place));
  if (unknown !== undefined) {
    return `what is signed holds ${unknown}, which stands for nothing: there is ${places.join(" ")}`;
  }
  if (!signed.includes("{body}")) return "what is signed must hold {body}";
  if (signed.includes("{timestamp}") && timestamp === undefined) {
    return "what is signed holds {timestamp}: say where it stands";
  }
  if (signed.includes("{id}") && id?.header === undefined) {
    return "what is signed holds {id}: say in which header it stands";
  }
  return timePlaceFault(settings);
}

function timePlaceFault({ timestamp, key }: Hmac): string | undefined {
  if (timestamp === undefined || timestamp.header !== undefined) return undefined;
  if (timestamp.key === undefined) return "timestamp needs a header or a key";
  return key === undefined ? "timestamp.key needs key: only a list has parts" : undefined;
}

import * as z from "zod";
import { toBase64Url, utf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { DeviceBook } from "../../devices/book.ts";
import { setupAddress, type SetupPlaces } from "../../devices/setup-address.ts";
import type { SetupAccess } from "../../devices/setup-codes.ts";
import type { NamedMethod } from "../method.ts";

export interface SetupMethodParts {
  readonly book: DeviceBook;
  /** As they are now. */
  readonly places: () => SetupPlaces;
  /** What a shared secret is called here. */
  readonly secretKind: () => "token" | "password";
}

const Id = z.string().min(1).max(128);
const Create = z.strictObject({
  publicUrl: z.string().min(1).max(2_048).optional(),
  preferRemoteUrl: z.boolean().optional(),
  includeQr: z.boolean().optional(),
  bootstrapProfile: z.enum(["limited", "node"]).optional(),
  joinUrl: z.literal(true).optional(),
});
const Status = z.strictObject({ setupId: Id });
const Revoke = z.strictObject({ setupId: Id.optional() });

/**
 * Methods by which the owner makes codes that let in one device each: who may make one gives away
 * what an administrator may do.
 *
 * Source: DevicePairSetupCodeParamsSchema and DevicePairSetupStatusParamsSchema of
 * @openclaw/gateway-protocol; `device.pair.setupRevoke` is ours.
 */
export function setupMethods(parts: SetupMethodParts): readonly NamedMethod[] {
  const { codes } = parts.book;
  return [
    [
      "device.pair.setupCode",
      { scope: "operator.admin", call: (params) => create(parts, Create.parse(params)) },
    ],
    [
      "device.pair.setupStatus",
      {
        scope: "operator.admin",
        call(params) {
          const completion = codes.outcome(Status.parse(params).setupId);
          return completion === undefined ? {} : { completion };
        },
      },
    ],
    [
      "device.pair.setupRevoke",
      {
        scope: "operator.admin",
        call: async (params) => ({ revoked: await codes.revoke(Revoke.parse(params).setupId) }),
      },
    ],
  ];
}

async function create(
  { book, places, secretKind }: SetupMethodParts,
  { bootstrapProfile, joinUrl, includeQr, ...wish }: z.output<typeof Create>,
): Promise<object> {
  if (joinUrl === true) {
    throw new GatewayError("invalid_request", "join URLs are not served here: use the setup code");
  }
  const address = setupAddress(wish, places());
  if (!address.ok) throw new GatewayError("invalid_request", `no setup code: ${address.error}`);
  const { urls, source, isPlain } = address.value;
  const wanted: SetupAccess = bootstrapProfile ?? "full";
  const isLess = isPlain && wanted === "full";
  const access = isLess ? "limited" : wanted;
  const { token, code } = await book.codes.issue(access);
  const [url] = urls;
  const many = urls.length > 1 ? { urls } : {};
  const setupCode = toBase64Url(utf8(JSON.stringify({ url, ...many, bootstrapToken: token })));
  const qr = includeQr === true ? { qrDataUrl: await qrOf(setupCode) } : {};
  return {
    setupId: code.id,
    setupCode,
    ...qr,
    gatewayUrl: url,
    ...(urls.length > 1 ? { gatewayUrls: urls } : {}),
    auth: secretKind(),
    urlSource: source,
    access,
    ...(isLess ? { accessDowngraded: true } : {}),
    expiresAtMs: code.expiresAtMs,
  };
}

/** Loaded by those who want to see one. */
async function qrOf(text: string): Promise<string> {
  const [{ qrMatrix }, { qrPng }] = await Promise.all([
    import("../../devices/qr/matrix.ts"),
    import("../../devices/qr/png.ts"),
  ]);
  return `data:image/png;base64,${qrPng(qrMatrix(text)).toString("base64")}`;
}

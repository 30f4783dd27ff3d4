import { createHash, generateKeyPairSync, sign } from "node:crypto";

/**
 * A certificate for `localhost` and 127.0.0.1 that vouches for itself, valid today.
 *
 * Source: RFC 5280 section 4.1, X.690 for the encoding
 */
export function selfSigned(now: number): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const serial = createHash("sha256").update(spki).digest().subarray(0, 8);
  // Of a positive number the first bit is zero, and its first byte is not.
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  // Another name each time: who trusts several looks for the one that signed by its name.
  const commonName = Buffer.from(`test edge ${serial.toString("hex")}`);
  const name = sequence(set(sequence(oid("550403"), node(0x0c, commonName))));
  const dayMs = 86_400_000;
  const validity = sequence(utcTime(now - dayMs), utcTime(now + 30 * dayMs));
  const altNames = sequence(
    node(0x82, Buffer.from("localhost")),
    node(0x87, Buffer.from([127, 0, 0, 1])),
  );
  const ca = sequence(node(0x01, Buffer.from([0xff])));
  const extensions = sequence(
    sequence(oid("551d11"), node(0x04, altNames)),
    sequence(oid("551d13"), node(0x04, ca)),
  );
  const algorithm = sequence(oid("2a8648ce3d040302"));
  const body = sequence(
    node(0xa0, node(0x02, Buffer.from([2]))),
    node(0x02, serial),
    algorithm,
    name,
    validity,
    name,
    spki,
    node(0xa3, extensions),
  );
  const signature = sign("sha256", body, privateKey);
  const der = sequence(body, algorithm, node(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

function node(tag: number, content: Buffer): Buffer {
  const { byteLength } = content;
  const length =
    byteLength < 0x80
      ? [byteLength]
      : byteLength < 0x100
        ? [0x81, byteLength]
        : [0x82, byteLength >> 8, byteLength & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return node(0x30, Buffer.concat(parts));
}

function set(...parts: readonly Buffer[]): Buffer {
  return node(0x31, Buffer.concat(parts));
}

/** @param hex - Its encoded arcs. */
function oid(hex: string): Buffer {
  return node(0x06, Buffer.from(hex, "hex"));
}

function utcTime(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/\D/g, "").slice(2, 14);
  return node(0x17, Buffer.from(`${digits}Z`));
}

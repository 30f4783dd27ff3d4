import { expect, test } from "vitest";
import { showsCertificate } from "./certificate.ts";

const fingerprint = "ab".repeat(32);
const list = ["00".repeat(32), fingerprint];
const good = { certVerified: "SUCCESS", certRevoked: "0", certFingerprintSHA256: fingerprint };

test.each([
  ["on the list", good],
  ["written in capitals", { ...good, certFingerprintSHA256: fingerprint.toUpperCase() }],
])("a verified certificate %s is good", (_name, tlsClientAuth) => {
  expect(showsCertificate({ tlsClientAuth }, list)).toBe(true);
});

test.each<[string, unknown]>([
  ["no platform that knows of certificates", undefined],
  ["no certificate", { tlsClientAuth: { certVerified: "NONE", certFingerprintSHA256: "" } }],
  ["one of an authority nobody knows", { tlsClientAuth: { ...good, certVerified: "FAILED:x" } }],
  ["one that was revoked", { tlsClientAuth: { ...good, certRevoked: "1" } }],
  ["a verified one of somebody else", { tlsClientAuth: { ...good, certFingerprintSHA256: "cd" } }],
  ["one without a fingerprint", { tlsClientAuth: { certVerified: "SUCCESS" } }],
])("%s does not open the door", (_name, cf) => {
  expect(showsCertificate(cf, list)).toBe(false);
});

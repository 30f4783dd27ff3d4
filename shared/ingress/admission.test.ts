import { expect, test } from "vitest";
import type { Admission } from "./route.ts";
import { admission } from "./admission.ts";

const HERE = "192.0.2.7";

test.each<[string, Admission | undefined, string, string | undefined, string | undefined]>([
  ["without rules everybody", undefined, "unknown", undefined, undefined],
  ["with empty rules everybody", {}, "unknown", undefined, undefined],
  ["an address on the list", { cidrs: ["10.0.0.0/8", "192.0.2.0/24"] }, HERE, "DE", undefined],
  ["the same, mapped", { cidrs: ["192.0.2.0/24"] }, "::ffff:192.0.2.7", "DE", undefined],
  ["an IPv6 address on the list", { cidrs: ["2001:db8::/32"] }, "2001:db8::1", "DE", undefined],
  ["an address off the list", { cidrs: ["10.0.0.0/8"] }, HERE, "DE", "address"],
  ["an address nobody knows", { cidrs: ["0.0.0.0/0", "::/0"] }, "unknown", "DE", "address"],
  ["anybody, by a list of nobody", { cidrs: [] }, HERE, "DE", "address"],
  ["anybody, by a block that is none", { cidrs: ["192.0.2.0/99"] }, HERE, "DE", "address"],
  ["a country on the list", { countries: ["DE", "FR"] }, HERE, "FR", undefined],
  ["a country off the list", { countries: ["DE"] }, HERE, "FR", "country"],
  ["a country nobody knows", { countries: ["DE"] }, HERE, undefined, "country"],
  ["a country that is blocked", { blockedCountries: ["DE"] }, HERE, "DE", "country"],
  ["a country that is not blocked", { blockedCountries: ["DE"] }, HERE, "FR", undefined],
  ["one that may be blocked or not", { blockedCountries: ["DE"] }, HERE, undefined, undefined],
  ["on both lists", { countries: ["DE"], blockedCountries: ["DE"] }, HERE, "DE", "country"],
  [
    "the right country, elsewhere",
    { cidrs: ["10.0.0.0/8"], countries: ["DE"] },
    HERE,
    "DE",
    "address",
  ],
])("%s", (_name, rules, ip, country, expected) => {
  expect(admission(rules)(ip, country)).toBe(expected);
});

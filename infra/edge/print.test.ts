import { expect, test } from "vitest";
import { connectCommands, connectText } from "./print.ts";

test("a core is connected by two commands, which say where the secret is and not what", () => {
  expect(connectCommands({ url: "https://edge.test", pairingFile: "/it's/here" })).toEqual([
    `export SALLYPORT_EDGE_URL='https://edge.test' SALLYPORT_EDGE_PAIRING="$(cat '/it'\\''s/here')"`,
    "npx sallyport gateway",
  ]);
});

test("a certificate nobody vouches for is named, and the other machine too", () => {
  const text = connectText({
    url: "https://edge.test",
    pairingFile: "/p",
    host: "me@vps",
    trustFile: "/c.pem",
  });
  expect(text).toContain("NODE_EXTRA_CA_CERTS='/c.pem'");
  expect(text).toContain(`"$(ssh me@vps cat '/p')"`);
});

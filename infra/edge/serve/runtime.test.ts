import { expect, test } from "vitest";
import { readWrangler } from "../../cloudflare/settings.ts";
import { needsCloudflare } from "./runtime.ts";

test("doors that only Cloudflare can watch are refused by name, not left shut for ever", () => {
  expect(needsCloudflare({ ACCESS_TEAM: "acme", ACCESS_AUD: "x" })).toContain(
    "ACCESS_TEAM and ACCESS_AUD",
  );
  expect(needsCloudflare({ MTLS_FINGERPRINTS: "ab" })).toContain("MTLS_FINGERPRINTS");
});

test("what is left empty is not asked for", async () => {
  expect(needsCloudflare({ ACCESS_TEAM: "", MTLS_FINGERPRINTS: " " })).toBeUndefined();
  expect(needsCloudflare((await readWrangler()).vars)).toBeUndefined();
});

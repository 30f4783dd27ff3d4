import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { loadCertificate, watchCertificate } from "./certificate.ts";

async function files() {
  const folder = await mkdtemp(join(tmpdir(), "certificate-"));
  return {
    certFile: join(folder, "cert.pem"),
    keyFile: join(folder, "key.pem"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

test("a file that is not there is named", async () => {
  await using it = await files();
  const loaded = await loadCertificate(it);
  expect(loaded).toEqual({ ok: false, error: `cannot read ${it.certFile} (ENOENT)` });
});

test("a key is no certificate, and neither file's text is in the message", async () => {
  await using it = await files();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(it.certFile, key);
  await writeFile(it.keyFile, key);
  const loaded = await loadCertificate(it);
  expect(loaded).toMatchObject({ ok: false, error: expect.stringContaining("no certificate") });
  expect(JSON.stringify(loaded)).not.toContain("PRIVATE");
});

test("a file that is written anew is noticed", async () => {
  await using it = await files();
  await writeFile(it.certFile, "one");
  await writeFile(it.keyFile, "one");
  const changed = Promise.withResolvers<void>();
  const watch = watchCertificate(it, changed.resolve, 5);
  let times = 0;
  // The first look of the watch may be after the first write.
  const rewrite = setInterval(() => void writeFile(it.keyFile, `${(times += 1)}`), 10);
  await changed.promise;
  clearInterval(rewrite);
  watch[Symbol.dispose]();
});

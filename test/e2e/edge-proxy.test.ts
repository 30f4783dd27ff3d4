import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, test } from "vitest";
import { createHome, startCore } from "../support/core.ts";
import { startEdgeServer, temporary } from "../support/edge-server.ts";
import { freePort } from "../support/free-port.ts";
import { chat } from "../support/launched.ts";
import { selfSigned } from "../support/self-signed.ts";

const EXAMPLE = new URL("../../infra/edge/proxies/nginx.conf", import.meta.url);
const hasNginx = spawnSync("nginx", ["-v"]).status === 0;

/** The real nginx with the example of ours, but for addresses and files. */
async function startNginx(folder: string, edgePort: number) {
  const { cert, key } = selfSigned(Date.now());
  const certFile = join(folder, "nginx-cert.pem");
  await writeFile(certFile, cert);
  await writeFile(join(folder, "nginx-key.pem"), key);
  setDefaultCACertificates([...getCACertificates("default"), cert]);
  const port = await freePort();
  const server = (await readFile(EXAMPLE, "utf8"))
    .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
    .replace("127.0.0.1:8787", `127.0.0.1:${edgePort}`)
    .replace(/ssl_certificate .*;/, `ssl_certificate ${certFile};`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${join(folder, "nginx-key.pem")};`);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/nginx;`,
  );
  await mkdir(join(folder, "nginx"));
  const main = `daemon off; pid ${folder}/nginx.pid; error_log stderr notice;
events {} http { access_log off; ${paths.join(" ")}\n${server} }`;
  const config = join(folder, "nginx.conf");
  await writeFile(config, main);
  const child = spawn("nginx", ["-p", folder, "-c", config, "-e", "stderr"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  let said = "";
  for await (const text of child.stderr.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    said += String(text);
    if (said.includes("start worker process")) break;
  }
  child.stderr.resume();
  if (child.exitCode !== null) throw new Error(said);
  return {
    url: new URL(`https://127.0.0.1:${port}`),
    certFile,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

test.runIf(hasNginx)("a core and a client reach the edge through nginx as we show it", async () => {
  await using folder = await temporary();
  await using edge = await startEdgeServer(folder.path, ["--trust-proxy", "loopback"]);
  await using nginx = await startNginx(folder.path, edge.ready.port);
  const env = { NODE_EXTRA_CA_CERTS: nginx.certFile };
  await using home = await createHome(nginx, await edge.pairing(), {}, env);
  const core = await startCore(home, nginx);
  const target = { base: nginx.url.origin, token: home.token, model: "demo/echo" };
  const answer = await chat(target, "Through nginx?");
  expect(answer.status).toBe(200);
  expect(JSON.stringify(await answer.json())).toContain("Through nginx?");
  expect(edge.log.join("\n")).not.toContain("not believed");
  await core.stop();
});

test("a proxy that was not named is not believed, and the log says how to name it", async () => {
  await using folder = await temporary();
  await using edge = await startEdgeServer(folder.path);
  const headers = { "X-Forwarded-For": "192.0.2.1" };
  await (await fetch(new URL("/health", edge.url), { headers })).text();
  expect(await edge.line("is not believed")).toContain("--trust-proxy");
});

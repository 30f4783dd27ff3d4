/** Other ways to reach a core: through nginx, and through a reverse tunnel of ssh. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { Child } from "../processes/child.ts";

const run = promisify(execFile);

/** How often we look whether a program listens: they have no way to say so. */
const POLL_MS = 20;

export interface Proxy {
  /** Where a request goes in that comes out at the core. */
  readonly port: number;
}

/** @returns Undefined when the program is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  const { env } = process;
  const PATH = `${env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/local/sbin`;
  const found = await run("/bin/sh", ["-c", `command -v ${name}`], { env: { ...env, PATH } }).catch(
    () => undefined,
  );
  return found?.stdout.trim();
}

/** nginx in front of `corePort`, with the keep-alive towards it that everybody forgets. */
export async function startNginx(
  program: string,
  corePort: number,
  folder: string,
  parts: AsyncDisposableStack,
): Promise<Proxy> {
  const home = await mkdtemp(join(folder, "nginx-"));
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${home}/${name};`)
    .join(" ");
  await writeFile(
    join(home, "nginx.conf"),
    `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 256; }
http {
  access_log off; ${paths}
  upstream core { server 127.0.0.1:${corePort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 10000000;
    location / {
      proxy_pass http://core;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host 127.0.0.1;
      proxy_buffering off;
    }
  }
}
`,
  );
  const child = parts.use(
    new Child([program, "-p", home, "-c", join(home, "nginx.conf")], { folder }),
  );
  await child.until(listening(port));
  return { port };
}

/** `ssh -R` from beside the core to a server of our own, which listens where clients come. */
export async function startSshTunnel(
  programs: { readonly ssh: string; readonly sshd: string },
  corePort: number,
  folder: string,
  parts: AsyncDisposableStack,
): Promise<Proxy> {
  const home = await mkdtemp(join(folder, "ssh-"));
  const [serverPort, port] = [await freePort(), await freePort()];
  for (const key of ["host", "user"]) {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(home, key)]);
  }
  // Compiled in; a machine on which no sshd was ever started does not have it.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  await writeFile(
    join(home, "sshd_config"),
    `ListenAddress 127.0.0.1:${serverPort}
HostKey ${home}/host
AuthorizedKeysFile ${home}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding remote
`,
  );
  const server = parts.use(
    new Child([programs.sshd, "-D", "-e", "-f", join(home, "sshd_config")], { folder }),
  );
  await server.until(listening(serverPort));
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=no",
    `UserKnownHostsFile=${home}/known`,
    "ExitOnForwardFailure=yes",
    "IdentitiesOnly=yes",
    `IdentityFile=${home}/user`,
    `Port=${serverPort}`,
    `RemoteForward=127.0.0.1:${port} 127.0.0.1:${corePort}`,
  ].flatMap((option) => ["-o", option]);
  const destination = `${userInfo().username}@127.0.0.1`;
  const client = parts.use(
    new Child([programs.ssh, "-F", "/dev/null", "-N", ...options, destination], { folder }),
  );
  await client.until(listening(port));
  return { port };
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect({ port, host: "127.0.0.1" });
    try {
      await once(socket, "connect");
      return;
    } catch {
      await delay(POLL_MS); // Not yet.
    } finally {
      socket.destroy();
    }
  }
}

/** Only good as long as nobody else takes it; these programs cannot be told to take any. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  return address.port;
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { freePort } from "./free-port.ts";

/** Where distributions put it, beside what the path says. */
const PLACES = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

/** The program; undefined on machines without it. */
export const NGINX = PLACES.map((place) => join(place, "nginx")).find((file) => existsSync(file));

/**
 * A site of these files, compressed where the client takes it.
 *
 * @param locations - Further ones, as its configuration has them.
 * @param user - Whose its workers are, and the group; only root can say.
 */
export async function startNginx(
  files: Readonly<Record<string, string | Uint8Array>>,
  locations = "",
  user = "root",
): Promise<AsyncDisposable & { readonly url: URL }> {
  if (NGINX === undefined) throw new Error("no nginx on this machine");
  await using parts = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "sallyport-nginx-"));
  parts.defer(() => rm(dir, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = join(dir, "site", name);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, content);
  }
  const port = await freePort();
  await writeFile(join(dir, "nginx.conf"), configOf(dir, port, { locations, user }));
  const child = spawn(NGINX, ["-p", dir, "-c", join(dir, "nginx.conf"), "-e", "stderr"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  parts.defer(() => stop(child));
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  const url = new URL(`http://127.0.0.1:${port}`);
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${complaint}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const running = parts.move();
  return { url, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function configOf(
  dir: string,
  port: number,
  { locations, user }: { readonly locations: string; readonly user: string },
): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${dir}/${name};`)
    .join("\n    ");
  return `
  daemon off;
  user ${user};
  worker_processes 1;
  pid ${dir}/pid;
  error_log stderr;
  events { worker_connections 256; }
  http {
    ${temporary}
    access_log off;
    types { text/html html; text/css css; application/octet-stream bin; }
    server {
      listen 127.0.0.1:${port};
      root ${dir}/site;
      gzip on;
      gzip_min_length 1;
      gzip_types text/css;
      location /inside/ { return 301 http://127.0.0.1:${port}/elsewhere/; }
      location /small { client_max_body_size 1k; proxy_pass http://127.0.0.1:${port}/; }
      location /cookies {
        add_header Set-Cookie "a=1; Path=/; HttpOnly";
        add_header Set-Cookie "b=2; Path=/";
        return 200 "ok";
      }
      ${locations}
      location /seen { return 200 "$host|$http_x_forwarded_for|$http_authorization|$request_uri"; }
    }
  }`;
}

async function answers(url: URL): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

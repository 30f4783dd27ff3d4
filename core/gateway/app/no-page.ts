/**
 * What people see who come with a browser: this version has no page. The same 404 as for programs,
 * in words for people. One document that depends on nothing in the request. Pure.
 */
import { ERROR_HEADER } from "../../../shared/problem.ts";

/** Below these everybody is a program, whatever it says that it reads. */
const OF_PROGRAMS = ["/v1/", "/api/"] as const;

/** Whether somebody looks for a page there. */
export function looksForPage({ method, url, headers }: Request): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  const { pathname } = new URL(url);
  if (OF_PROGRAMS.some((path) => pathname.startsWith(path))) return false;
  return (headers.get("Accept") ?? "").toLowerCase().includes("text/html");
}

/** A 404 that can be read. */
export function noPage(): Response {
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    // Nothing in it but a style: no frame, no script, nothing from anywhere.
    "Content-Security-Policy":
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    [ERROR_HEADER]: "not_found",
  };
  return new Response(PAGE, { status: 404, headers });
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Sallyport: no page here</title>
<link rel="icon" href="data:,">
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto; padding: 0 1.25rem }
h1 { font-size: 1.4rem }
dt { font-weight: 600; margin-top: 1rem }
dd { margin: 0 }
code { font-family: ui-monospace, monospace }
</style>
</head>
<body>
<main>
<h1>The gateway answers, and has no page here</h1>
<p>Nothing is broken: this version of Sallyport has no page for browsers yet. It is used from elsewhere:</p>
<dl>
<dt>In a terminal of its machine</dt>
<dd><code>sallyport status</code>, <code>sallyport agent --message "Hello"</code>, <code>sallyport doctor</code></dd>
<dt>From a chat app</dt>
<dd><code>sallyport channels add</code> connects one</dd>
<dt>From programs for OpenAI</dt>
<dd>this address with <code>/v1</code> is the base URL, the gateway's token the API key</dd>
<dt>From programs for OpenClaw</dt>
<dd>this address is the gateway's, the token as well</dd>
</dl>
<p>With the token, <code>/openapi.json</code> tells what else there is.</p>
</main>
</body>
</html>
`;

/**
 * The login page: one document, nothing from anywhere else, no script, readable by whatever
 * reads HTML. Pure.
 */

export interface LoginPage {
  /** The host people see in the address bar: whose token is asked for. */
  readonly host: string;
  /** Lets the style in, and nothing that somebody might slip in beside it. */
  readonly nonce: string;
  readonly content:
    | { readonly kind: "form"; readonly problem: string | undefined }
    | { readonly kind: "signed_in"; readonly subject: string; readonly next: string }
    /** Signing in is not possible here; `problem` says why. */
    | { readonly kind: "closed"; readonly problem: string };
}

/** Longer ones are no tokens; the same bound as for bearer tokens. */
const MAX_TOKEN_LENGTH = 512;

/** @returns A whole HTML document. */
export function renderLoginPage({ host, nonce, content }: LoginPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Sign in · ${escapeHtml(host)}</title>
<link rel="icon" href="${ICON}">
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
${MARK}
${renderContent(host, content)}
</main>
</body>
</html>
`;
}

function renderContent(host: string, content: LoginPage["content"]): string {
  const where = `<span class="host">${escapeHtml(host)}</span>`;
  switch (content.kind) {
    case "form":
      return `<h1>Sign in</h1>
<p class="to">to ${where}</p>
${alert(content.problem)}${form(content.problem !== undefined)}`;
    case "signed_in":
      return `<h1>You are signed in</h1>
<p class="to">to ${where} as <b>${escapeHtml(content.subject)}</b></p>
<p><a class="button" href="${escapeHtml(content.next)}">Continue</a></p>
<form method="post" action="/auth/logout"><button class="quiet">Sign out</button></form>`;
    case "closed":
      return `<h1>No sign-in here</h1>
<p class="to">${where}</p>
${alert(content.problem)}`;
  }
}

/**
 * Without an `action` a browser sends it to the page's own address: with `next`, and with the
 * fragment that the page behind us may be waiting for. The name is for password managers, which
 * keep no password without one.
 */
function form(isWrong: boolean): string {
  const state = isWrong ? ' aria-invalid="true" aria-describedby="problem"' : "";
  return `<form method="post">
<input type="text" name="username" value="sallyport" autocomplete="username" hidden>
<label for="token">Access token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password"
 autocapitalize="none" spellcheck="false" maxlength="${MAX_TOKEN_LENGTH}"${state}>
<button>Sign in</button>
</form>
<p class="help">The token of your gateway: on the machine it runs on,
<code>sallyport token</code> shows it.</p>`;
}

function alert(problem: string | undefined): string {
  if (problem === undefined) return "";
  return `<p id="problem" class="problem" role="alert">${escapeHtml(problem)}</p>\n`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? char);
}

const SHAPE = "M4 21V5h3v2.5h3.5V5h3v2.5H17V5h3v16h-5v-5a3 3 0 0 0-6 0v5z";
const MARK = `<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="${SHAPE}"/></svg>`;
const ICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#2f6f5e" d="${SHAPE}"/></svg>`,
)}`;

const STYLE = `
:root{color-scheme:light dark;
--page:#f4f5f3;--card:#fff;--text:#1b211e;--soft:#5a635e;--line:#808a85;--edge:#dfe3e0;
--accent:#24614f;--on-accent:#fff;--bad:#9b1c1c;--bad-page:#fdecea}
@media (prefers-color-scheme:dark){:root{
--page:#121614;--card:#1b211e;--text:#e8edea;--soft:#a3ada8;--line:#78827d;--edge:#2c3430;
--accent:#6cc7ab;--on-accent:#0c1712;--bad:#ffb4ab;--bad-page:#3b1715}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1rem;
background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:24rem;padding:2rem;background:var(--card);
border:1px solid var(--edge);border-radius:12px}
.mark{display:block;width:2.5rem;height:2.5rem;margin-bottom:1rem;fill:var(--accent)}
h1{margin:0;font-size:1.5rem;line-height:1.25}
p{margin:1rem 0 0}
.to{margin:.25rem 0 0;color:var(--soft)}
.host{color:var(--text);overflow-wrap:anywhere}
.problem{padding:.625rem .75rem;border-radius:8px;color:var(--bad);background:var(--bad-page)}
form{margin:1.5rem 0 0}
label{display:block;margin-bottom:.375rem;font-weight:600}
input,button,.button{display:block;width:100%;min-height:2.75rem;border-radius:8px;font:inherit}
input{padding:.5rem .75rem;color:inherit;background:var(--page);border:1px solid var(--line)}
input[aria-invalid]{border-color:var(--bad)}
button,.button{margin-top:1rem;padding:.5rem 1rem;border:1px solid transparent;cursor:pointer;
font-weight:600;text-align:center;text-decoration:none;
background:var(--accent);color:var(--on-accent)}
button:hover,.button:hover{filter:brightness(1.1)}
.quiet{background:none;color:var(--text);border-color:var(--line)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.help{font-size:.875rem;color:var(--soft)}
code{font-family:ui-monospace,monospace}
`;

/**
 * What wrangler's failure means and what to do, in one line. Pure.
 */

export const NO_TOKEN =
  'no Cloudflare account: set CLOUDFLARE_API_TOKEN to a token made from the template "Edit Cloudflare Workers" (dash.cloudflare.com/profile/api-tokens)';

interface Explanation {
  readonly pattern: RegExp;
  readonly line: string;
}

/** The first that fits counts. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    pattern: /CLOUDFLARE_API_TOKEN|not logged in|necessary to set a/i,
    line: NO_TOKEN,
  },
  {
    pattern:
      /More than one account|CLOUDFLARE_ACCOUNT_ID|Failed to automatically retrieve account/i,
    line: "the token does not say which account: set CLOUDFLARE_ACCOUNT_ID to its id (on the overview page of the account)",
  },
  {
    pattern: /\[code: (?:10000|9109|6003|6111)\]|Authentication error|Invalid access token/i,
    line: 'Cloudflare refused CLOUDFLARE_API_TOKEN: it is wrong, has expired, or lacks the permissions of the template "Edit Cloudflare Workers" for this account',
  },
  {
    pattern: /migration|\[code: (?:10061|10074|10079)\]/i,
    line: "Cloudflare refused the Durable Object migration: a Worker of this name has other classes or a newer history. Deploy under another --name, or the version that matches it",
  },
  {
    pattern: /Custom Domain|Could not find zone|\[code: 10013\d\]/i,
    line: "the custom domain was refused: its zone must be in this account, and the host name not in use",
  },
  {
    pattern: /10063|workers\.dev subdomain/i,
    line: "the account has no workers.dev subdomain yet: open Workers & Pages in the dashboard once, or deploy with --domain",
  },
  {
    pattern:
      /fetch failed|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|UND_ERR|certificate/i,
    line: "Cloudflare's API cannot be reached: check the network, and HTTPS_PROXY if there is a proxy",
  },
];

/** Longest text of wrangler's in a line of ours. */
const MAX_REASON_CHARS = 300;

/** The API's own words come with one of its codes. */
const API_NOTE = /\[code: \d+\]/;

/** The most telling of what wrangler said. */
export function reasonOf({
  failure = "",
  tail,
}: {
  readonly failure?: string | undefined;
  readonly tail: string;
}): string {
  const notes = tail.split("\n").filter((line) => API_NOTE.test(line));
  if (notes.length > 0) return notes.join(" ");
  return failure === "" ? tail : failure;
}

/** @param reason - What wrangler said. */
export function explainFailure(what: string, reason: string): string {
  const plain = reason.replaceAll(/\s+/g, " ").trim();
  const known = EXPLANATIONS.find(({ pattern }) => pattern.test(plain));
  const said = plain === "" ? "it gave no reason" : plain.slice(0, MAX_REASON_CHARS);
  if (known === undefined) return `${what} failed: ${said}`;
  return `${what} failed: ${known.line} (${said})`;
}

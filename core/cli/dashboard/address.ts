import type { Secret } from "../../../shared/secret.ts";

/**
 * Where the page is. What stands behind the # stays in the browser: no server, proxy or log sees it.
 * Pure.
 */
export function addressOf(
  { url, basePath }: { readonly url: string; readonly basePath: string },
  token: Secret | undefined,
): string {
  const page = `${url}${basePath.replace(/\/$/, "")}/`;
  return token === undefined ? page : `${page}#token=${encodeURIComponent(token.reveal())}`;
}

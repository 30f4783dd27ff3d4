import type { Target } from "../target.ts";

/** What is at an address: something to look at, a gateway without a page, or nobody. */
export type Found = "page" | "no_page" | "nobody";

/** Asks for it as a browser would, with the credential that opens the address itself. */
export async function lookAt(
  page: string,
  { token, password, timeoutMs }: Pick<Target, "token" | "password" | "timeoutMs">,
): Promise<Found> {
  const headers = new Headers({ Accept: "text/html" });
  const credential = token ?? password;
  if (credential !== undefined) headers.set("Authorization", `Bearer ${credential.reveal()}`);
  try {
    const { status, body } = await fetch(page, {
      headers,
      // The way to a login page is a page as well, and the credential is not for whoever has that.
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await body?.cancel();
    return status === 404 ? "no_page" : "page";
  } catch {
    return "nobody";
  }
}

declare const SALLYPORT_VERSION: string | undefined;

/** Put in by the bundler; the sources on their own have none. */
export const VERSION: string =
  typeof SALLYPORT_VERSION === "string" ? SALLYPORT_VERSION : "unbundled";

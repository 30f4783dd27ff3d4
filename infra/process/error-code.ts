/** What the system calls an error (`EACCES`), or else the error's own words. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

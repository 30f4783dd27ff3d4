import { join } from "node:path";

/** Where the store of secrets of a state folder is, or will be. */
export function secretStoreFile(stateDir: string): string {
  return join(stateDir, "credentials", "secrets.json");
}

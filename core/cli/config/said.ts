import { GatewayError } from "../../../shared/errors.ts";
import type { Issue } from "../../config/issues/error.ts";
import { parsePath } from "../../config/write/path.ts";
import type { Io } from "../command.ts";

/** Issues that are named; a file with more needs another look anyway. */
const MAX_SHOWN = 20;

/** The failure of a command, for people on stderr or for programs on stdout. */
export function fail(
  message: string,
  {
    json,
    io,
    issues,
  }: { readonly json: boolean; readonly io: Io; readonly issues?: readonly Issue[] },
): number {
  if (json) {
    const error = { type: "cli_error", message, ...(issues === undefined ? {} : { issues }) };
    io.out(JSON.stringify({ ok: false, error }));
  } else io.err(`sallyport: ${message}`);
  return 1;
}

/** @throws GatewayError invalid_request */
export function pathOf(text: string | undefined): readonly string[] {
  const path = text === undefined ? undefined : parsePath(text);
  if (path?.ok === true) return path.value;
  const why = path === undefined ? "name a setting, like gateway.port" : path.error;
  throw new GatewayError("invalid_request", `${why}; try --help`);
}

/** @throws GatewayError invalid_request for arguments too many. */
export function atMost(positionals: readonly string[], count: number): void {
  const [extra] = positionals.slice(count);
  if (extra === undefined) return;
  throw new GatewayError("invalid_request", `"${extra.slice(0, 64)}" is one argument too many`);
}

/** One line an issue. */
export function issueLines(issues: readonly Issue[]): string[] {
  const shown = issues
    .slice(0, MAX_SHOWN)
    .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  const more = issues.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

/** Something wrong with one setting. `message` never holds its value. */
export interface Issue {
  /** As people write it: `channels.telegram.allowFrom[2]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export type ConfigError =
  | { readonly reason: "unreadable"; readonly file: string; readonly detail: string }
  | {
      readonly reason: "too_large";
      readonly file: string;
      readonly bytes: number;
      readonly maxBytes: number;
    }
  | {
      readonly reason: "syntax";
      readonly file: string;
      readonly line: number;
      readonly column: number;
      readonly detail: string;
    }
  | { readonly reason: "invalid"; readonly file: string; readonly issues: readonly Issue[] }
  | { readonly reason: "secret"; readonly path: string; readonly detail: string }
  | { readonly reason: "bad_variable"; readonly name: string; readonly message: string }
  | { readonly reason: "state_dir"; readonly dir: string; readonly message: string };

/** How many issues one line names. */
const MAX_SHOWN = 3;

/** One line that says what is wrong and where, and so what to do. */
export function configErrorText(error: ConfigError): string {
  switch (error.reason) {
    case "unreadable":
      return `${error.file} cannot be read: ${error.detail}`;
    case "too_large":
      return `${error.file} has ${error.bytes} bytes; a config may have ${error.maxBytes}`;
    case "syntax":
      return `${error.file}:${error.line}:${error.column}: not JSON5: ${error.detail}`;
    case "invalid":
      return `${error.file}: ${issuesText(error.issues)}`;
    case "secret":
      return `${error.path}: its secret is not to be had: ${error.detail}`;
    case "bad_variable":
      return `${error.name}: ${error.message}`;
    case "state_dir":
      return `the state folder ${error.dir} ${error.message}`;
  }
}

/** One issue in one line. */
export function issueText({ path, message }: Issue): string {
  return path === "" ? message : `${path}: ${message}`;
}

function issuesText(issues: readonly Issue[]): string {
  const shown = issues.slice(0, MAX_SHOWN).map(issueText);
  const more = issues.length - shown.length;
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

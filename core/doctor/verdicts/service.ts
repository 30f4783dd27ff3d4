/** Whether the gateway's service is fit to start it. Pure: facts in, verdicts out. */
import { failed, ok, type Verdict, warning } from "./finding.ts";

export interface ServiceFacts {
  /** Undefined: none was installed. */
  readonly own: InstalledFacts | undefined;
  /** Of the gateway that was examined; undefined: not known. */
  readonly port: number | undefined;
  readonly stateDir: string | undefined;
  /** Units that start a gateway as well. */
  readonly others: readonly { readonly file: string; readonly port: number }[];
}

export interface InstalledFacts {
  readonly file: string;
  readonly stateDir: string;
  readonly enabled: boolean;
  /** In the words of its manager. */
  readonly detail: string;
  readonly hasFailed: boolean;
  /** Of the files it needs, those that are gone. */
  readonly gone: readonly string[];
  /** What an installation would put right, one clause each. */
  readonly issues: readonly string[];
  readonly isEdited: boolean;
}

const AGAIN = "sallyport gateway install";

export function judgeService({ own, port, stateDir, others }: ServiceFacts): Verdict {
  const rival = others.find((other) => other.port === port);
  if (rival !== undefined) {
    return warning(
      `${rival.file} starts a gateway on port ${rival.port} as well`,
      "disable one of the two (systemctl disable --now), or give one another port",
    );
  }
  if (own === undefined) return ok("no service is installed");
  const { file, gone, issues, enabled, detail, hasFailed } = own;
  if (own.stateDir !== stateDir) return ok(`${file} is for the state in ${own.stateDir}`);
  if (gone.length > 0) {
    return failed(`${file} would start ${gone.join(" with ")}, which is gone`, AGAIN);
  }
  if (hasFailed) return failed(`${file}: ${detail}`, "sallyport gateway start says why");
  if (issues.length > 0) {
    return warning(`${file}: ${issues.join(", ")}`, own.isEdited ? `${AGAIN} --force` : AGAIN);
  }
  if (!enabled) return warning(`${file} does not start by itself`, AGAIN);
  return ok(`${file}: ${detail}`);
}

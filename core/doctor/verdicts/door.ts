/** Who may come in at the gateway, and who has its port. Pure. */
import { failed, ok, type Verdict, warning } from "./finding.ts";

export interface AuthFacts {
  readonly mode: "token" | "password" | "none" | "trusted-proxy";
  readonly bind: string;
  /** Where its credential comes from. */
  readonly source: string;
  readonly isWeak: boolean;
  /** With `trusted-proxy`, whether every program of this machine may say who calls. */
  readonly believesLoopback?: boolean | undefined;
}

/** Below this somebody with time can guess. */
const MIN_UNITS = 16;
/** A text of one key held down has one; 16 random hexadecimal digits have nine or ten. */
const MIN_DIFFERENT = 6;
const EXAMPLES =
  /^(?:your|my|change|example|sample|secret|test|token|password|generated|replace)[\w -]*$/i;

export function isWeak(credential: string): boolean {
  if (credential.length < MIN_UNITS || new Set(credential).size < MIN_DIFFERENT) return true;
  return EXAMPLES.test(credential) && !/\d{4}/.test(credential);
}

export function judgeAuth(facts: AuthFacts): Verdict {
  const { mode, bind, source, isWeak: weak, believesLoopback = false } = facts;
  if (mode === "none") {
    const what = `whoever reaches it is let in (gateway.auth.mode is none, bind is ${bind})`;
    const fix = "take gateway.auth.mode out, so that a token is needed";
    return bind === "loopback" ? warning(what, fix) : failed(what, fix);
  }
  if (mode === "trusted-proxy" && believesLoopback) {
    return warning(
      "every program of this machine may say who calls (gateway.auth.trustedProxy.allowLoopback)",
      "let none run there that you do not trust, or put the proxy on another machine",
    );
  }
  if (weak) {
    return warning(
      `its credential can be guessed (from ${source})`,
      "take it out, so that one is made: 43 characters of chance",
    );
  }
  if (mode === "trusted-proxy") {
    return ok(`whom the proxy names, and programs of this machine with the token from ${source}`);
  }
  return ok(
    `a ${mode === "password" ? "password" : "token"} of its own, from ${source}; bind is ${bind}`,
  );
}

/** @param holders - Processes that listen there, as far as can be seen. */
export function judgePort(port: number, isGateway: boolean, holders: readonly number[]): Verdict {
  const pids = holders.join(", ");
  if (isGateway)
    return ok(pids === "" ? `${port}: the gateway` : `${port}: the gateway, pid ${pids}`);
  if (pids === "") return ok(`${port}: nobody has it`);
  return failed(
    `${port} is taken by another program (pid ${pids})`,
    "stop that one, or set gateway.port",
  );
}

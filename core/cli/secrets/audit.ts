import { auditSecrets } from "../../config/secrets/audit.ts";
import type { SecretAudit } from "../../config/secrets/findings.ts";
import { type Io, parseFlags } from "../command.ts";
import { atMost } from "../config/said.ts";
import { printable } from "../printable.ts";

/** What people are shown; programs get all. */
const MAX_SHOWN = 20;
const MAX_LINE = 500;
const EXIT_UNRESOLVED = 2;

/** `secrets audit` */
export async function audit(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    check: { type: "boolean" },
    "allow-exec": { type: "boolean" },
    json: { type: "boolean" },
  });
  atMost(positionals, 0);
  const { env, cwd, home, uid } = io;
  const allowExec = values["allow-exec"] === true;
  const found = await auditSecrets({ env, cwd, home, uid, allowExec });
  if (values.json === true) io.out(JSON.stringify(found, null, 2));
  else tell(found, io);
  if (found.status === "unresolved") return EXIT_UNRESOLVED;
  return values.check === true && found.status !== "clean" ? 1 : 0;
}

function tell({ status, summary, findings, resolution }: SecretAudit, io: Io): void {
  const counts = `plaintext=${summary.plaintextCount}, unresolved=${summary.unresolvedRefCount}, shadowed=${summary.shadowedRefCount}, storeResidue=${summary.storeResidueCount}, legacy=${summary.legacyResidueCount}`;
  io.out(`Secrets audit: ${status}. ${counts}.`);
  for (const { code, file, jsonPath, message } of findings.slice(0, MAX_SHOWN)) {
    const where = jsonPath === "" ? file : `${file}:${jsonPath}`;
    io.out(printable(`- [${code}] ${where} ${message}`, MAX_LINE));
  }
  const more = findings.length - MAX_SHOWN;
  if (more > 0) io.out(`… and ${more} more (--json has all)`);
  const { skippedExecRefs } = resolution;
  if (skippedExecRefs > 0) {
    io.out(
      `${skippedExecRefs} references to programs were not looked at: --allow-exec starts them`,
    );
  }
}

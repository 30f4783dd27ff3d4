import { expect, test } from "vitest";
import { LABEL, printedState } from "./launchd.ts";

const ENABLED = `disabled services = {\n\t"${LABEL}" => enabled\n}\n`;
const DISABLED = `disabled services = {\n\t"${LABEL}" => disabled\n}\n`;
/** As macOS up to 13 has it. */
const DISABLED_OF_OLD = `disabled services = {\n\t"${LABEL}" => true\n}\n`;

function printed(lines: readonly string[]): string {
  return `gui/501/${LABEL} = {\n${lines.map((line) => `\t${line}\n`).join("")}
\tspawn type = daemon (3)\n\tproperties = runatload | inferred program\n}\n`;
}

test.each<[string, string | undefined, string, object]>([
  [
    "one that runs",
    printed([
      "path = /u/a b.plist",
      "state = running",
      "runs = 3",
      "pid = 42",
      "last exit code = 0",
    ]),
    ENABLED,
    { enabled: true, phase: "running", pid: 42, restarts: 2, file: "/u/a b.plist" },
  ],
  [
    "one that has never ended",
    printed(["state = running", "runs = 1", "pid = 7", "last exit code = (never exited)"]),
    "",
    { enabled: true, phase: "running", restarts: 0, detail: "running" },
  ],
  [
    "one that failed and waits",
    printed(["state = spawn scheduled", "runs = 2", "last exit code = 78: EX_CONFIG"]),
    ENABLED,
    { phase: "failed", pid: undefined, detail: "spawn scheduled (last exit code 78)" },
  ],
  [
    "one that is about to start",
    printed(["state = spawn scheduled", "runs = 0", "last exit code = (never exited)"]),
    ENABLED,
    { phase: "starting" },
  ],
  [
    "one that has ended as it should",
    printed(["state = not running", "runs = 1", "last exit code = 0"]),
    DISABLED,
    { phase: "stopped", enabled: false },
  ],
  ["one that is not loaded", undefined, ENABLED, { phase: "stopped", enabled: true }],
  ["one that was disabled", undefined, DISABLED, { phase: "stopped", enabled: false }],
  ["one that was disabled long ago", undefined, DISABLED_OF_OLD, { enabled: false }],
])("%s", (_name, text, disabled, expected) => {
  expect(printedState(text, disabled)).toMatchObject(expected);
});

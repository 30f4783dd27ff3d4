import { expect, test } from "vitest";
import { stateIn } from "./systemd.ts";

function shown(facts: Readonly<Record<string, string | number>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

test("a unit that runs", () => {
  const text = shown({
    LoadState: "loaded",
    UnitFileState: "enabled",
    ActiveState: "active",
    SubState: "running",
    Result: "success",
    MainPID: 42,
    ExecMainStatus: 0,
    NRestarts: 3,
    FragmentPath: "/home/a b/.config/systemd/user/sallyport-gateway.service",
    DropInPaths: "/x/a.conf /x/b.conf",
    Job: 0,
  });
  expect(stateIn(text)).toEqual({
    enabled: true,
    phase: "running",
    pid: 42,
    restarts: 3,
    detail: "active (running)",
    file: "/home/a b/.config/systemd/user/sallyport-gateway.service",
    dropIns: ["/x/a.conf", "/x/b.conf"],
  });
});

test.each<[string, Record<string, string | number>, object]>([
  [
    "one that failed",
    { ActiveState: "failed", SubState: "failed", Result: "exit-code", ExecMainStatus: 78 },
    { phase: "failed", detail: "failed (failed, exit-code 78)", enabled: false },
  ],
  [
    "one that was killed by its watch",
    { ActiveState: "failed", SubState: "failed", Result: "timeout", ExecMainStatus: 0 },
    { phase: "failed", detail: "failed (failed, timeout)" },
  ],
  [
    "one that waits for its next start",
    { ActiveState: "activating", SubState: "auto-restart", Result: "exit-code", ExecMainStatus: 1 },
    { phase: "starting", detail: "activating (auto-restart, exit-code 1)" },
  ],
  [
    "one that ends",
    { ActiveState: "deactivating", SubState: "stop-sigterm" },
    { phase: "stopping" },
  ],
  [
    "one that was asked to start",
    { ActiveState: "inactive", SubState: "dead", Job: 7 },
    { phase: "starting" },
  ],
  [
    "none",
    {
      LoadState: "not-found",
      ActiveState: "inactive",
      SubState: "dead",
      FragmentPath: "",
      MainPID: 0,
    },
    { phase: "stopped", pid: undefined, file: undefined, dropIns: [], enabled: false },
  ],
])("%s", (_name, facts, expected) => {
  expect(stateIn(shown(facts))).toMatchObject(expected);
});

test("no answer is no service", () => {
  expect(stateIn("")).toMatchObject({ phase: "stopped", pid: undefined, detail: "unknown" });
});

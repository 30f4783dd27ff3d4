import { cp } from "node:fs/promises";
import { describeStore } from "../../../test/contract/store.ts";
import { openSqliteStore } from "./open.ts";
import { awaitSqliteStore } from "./wait.ts";

describeStore("sqlite", {
  adapter: "sqlite",
  open: (dir) => openSqliteStore({ stateDir: dir, now: Date.now }),
  wait: (dir, onBusy, signal) => awaitSqliteStore({ stateDir: dir, now: Date.now, onBusy }, signal),
  copy: (from, to) => cp(from, to, { recursive: true }),
});

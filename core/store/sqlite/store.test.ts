import { describeStore } from "../../../test/contract/store.ts";
import { openSqliteStore } from "./open.ts";

describeStore("sqlite", {
  adapter: "sqlite",
  open: (dir) => openSqliteStore({ stateDir: dir, now: Date.now }),
});

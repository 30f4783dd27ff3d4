#!/usr/bin/env node
/**
 * Where the program begins. Plain JavaScript, because Node has to strip the types of all that is
 * loaded before the compile cache is on: that machinery takes longer to start than most commands
 * take to run, and keeps its memory for as long as the process lives.
 */
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// By its namespace above: an older Node has no such export, and would not get as far as this.
const OLDEST = 24;
if (Number.parseInt(process.versions.node, 10) < OLDEST) {
  const { node } = process.versions;
  process.stderr.write(`sallyport: needs Node ${OLDEST} or newer; this is ${node}\n`);
  process.exit(1);
}

// Not in the shared temporary folder, where others of this machine could leave bytecode for us.
const caches = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
nodeModule.enableCompileCache(join(caches, "sallyport"));
await import("./main.ts");

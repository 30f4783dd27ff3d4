#!/usr/bin/env node
/**
 * Where the program begins. Plain JavaScript, because Node has to strip the types of all that is
 * loaded before the compile cache is on: that machinery takes longer to start than most commands
 * take to run, and keeps its memory for as long as the process lives.
 */
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Not in the shared temporary folder, where others of this machine could leave bytecode for us.
enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "sallyport"));
await import("./main.ts");

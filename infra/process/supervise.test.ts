import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type Child, eachLine, killGroup, watchExit } from "./child.ts";
import { supervise } from "./supervise.ts";

const READY = 'console.log("ready");';

/** A process that runs `script`; its first line on stdout is what it reports. */
function start(script: string): Child<string> {
  const child = spawn(process.execPath, ["-e", script], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  child.once("exit", () => resolve(undefined));
  eachLine(child.stdout, (line) => resolve(line));
  return {
    pid: child.pid ?? 0,
    ready: promise,
    exited: watchExit(child, promise),
    stop: () => void child.kill("SIGTERM"),
    kill: () => child.pid !== undefined && killGroup(child.pid),
  };
}

const FOREVER = "setInterval(() => {}, 1000)";
const quiet = { random: () => 0, onCrash: () => {}, onRecovered: () => {} };

test("a killed process is started again, and told what the one before reported", async () => {
  const pids: number[] = [];
  const previous: (string | undefined)[] = [];
  const recovered = Promise.withResolvers<void>();
  const supervised = supervise<string>(
    (before) => {
      previous.push(before);
      const child = start(`${READY} ${FOREVER}`);
      pids.push(child.pid);
      return child;
    },
    { ...quiet, onRecovered: () => recovered.resolve() },
  );
  expect(await supervised.ready).toBe("ready");
  process.kill(pids[0] ?? 0, "SIGKILL");
  await recovered.promise;
  expect(pids).toHaveLength(2);
  expect(previous).toEqual([undefined, "ready"]);
  expect(await supervised.stop(5_000)).toBe(0);
});

test("a process that ends with 0 is not started again", async () => {
  let starts = 0;
  const supervised = supervise<string>(() => {
    starts += 1;
    return start(READY);
  }, quiet);
  expect(await supervised.ended).toBe(0);
  expect(starts).toBe(1);
});

test("a process that cannot start ends the whole with its own code", async () => {
  const supervised = supervise<string>(() => start("process.exit(3)"), quiet);
  expect(await supervised.ready).toBeUndefined();
  expect(await supervised.ended).toBe(3);
});

test("a process that does not want to end is killed after the deadline", async () => {
  const supervised = supervise<string>(
    () => start(`process.on("SIGTERM", () => {}); ${READY} ${FOREVER}`),
    quiet,
  );
  await supervised.ready;
  expect(await supervised.stop(50)).toBe(1);
});

test("stopping during the pause before a restart does not wait for it", async () => {
  const crashed = Promise.withResolvers<void>();
  const supervised = supervise<string>(() => start(`${READY} process.exitCode = 1`), {
    ...quiet,
    onCrash: () => crashed.resolve(),
  });
  await crashed.promise;
  expect(await supervised.stop(5_000)).toBe(0);
});

test("what a process has started goes with it", async () => {
  const inner = JSON.stringify(FOREVER);
  const script = `require("node:child_process").spawn(process.execPath, ["-e", ${inner}], { stdio: "inherit" }); ${READY} ${FOREVER}`;
  const child = spawn(process.execPath, ["-e", script], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The pipe ends when the last of those who can write to it is gone.
  const ended = once(child.stdout, "close");
  const ready = once(child.stdout, "data").then(() => "ready");
  const exited = watchExit(child, ready);
  await ready;
  child.kill("SIGKILL");
  expect(await exited).toMatchObject({ signal: "SIGKILL", wasReady: true });
  await ended;
});

test("the last words of a process are heard", async () => {
  const words: string[] = [];
  const child = spawn(process.execPath, ["-e", 'console.error("last words"); process.exit(2)'], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  eachLine(child.stderr, (line) => words.push(line));
  const exited = watchExit(
    child,
    once(child, "exit").then(() => undefined),
  );
  expect(await exited).toMatchObject({ code: 2, wasReady: false });
  expect(words).toEqual(["last words"]);
});

test("stopping twice tells the process once: a second signal would cut short what it finishes", async () => {
  const asked = Promise.withResolvers<void>();
  const script = `process.on("SIGTERM", () => {
    console.log("asked");
    process.on("SIGTERM", () => process.exit(9));
    setTimeout(() => process.exit(0), 200);
  }); ${READY} ${FOREVER}`;
  const supervised = supervise<string>(() => {
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const ready = Promise.withResolvers<string | undefined>();
    eachLine(child.stdout, (line) => {
      if (line === "asked") asked.resolve();
      else ready.resolve(line);
    });
    return {
      pid: child.pid ?? 0,
      ready: ready.promise,
      exited: watchExit(child, ready.promise),
      stop: () => void child.kill("SIGTERM"),
      kill: () => void child.kill("SIGKILL"),
    };
  }, quiet);
  await supervised.ready;
  const first = supervised.stop(5_000);
  await asked.promise;
  expect(await Promise.all([first, supervised.stop(5_000)])).toEqual([0, 0]);
});

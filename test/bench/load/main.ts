/**
 * The load process: runs one task after another and reports what it measured. A process of its
 * own, so that waiting for an answer never means waiting for the one who judges it.
 */
import { serveParent } from "../processes/parent.ts";
import { runCalls, runChats } from "./gateway-calls.ts";
import { readEvents, runRequests, transfer } from "./run-task.ts";
import { echo, idle } from "./sockets.ts";
import { stall } from "./stall.ts";
import { Task } from "./task.ts";

serveParent({}, async (message) => {
  const task = Task.parse(message);
  switch (task.kind) {
    case "requests":
      return runRequests(task);
    case "events":
      return readEvents(task);
    case "transfer":
      return transfer(task);
    case "echo":
      return echo(task);
    case "idle":
      return idle(task);
    case "stall":
      return stall(task);
    case "calls":
      return runCalls(task);
    case "chats":
      return runChats(task);
  }
});

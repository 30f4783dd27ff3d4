import { expect, test } from "vitest";
import { commandOf } from "./commands.ts";

test.each([
  ["/stop", { do: "stop" }],
  [" /Abort. ", { do: "stop" }],
  ["stop", undefined],
  ["/stop it now", undefined],
  ["/new", { do: "reset", rest: "" }],
  ["/reset  what is\nnew? ", { do: "reset", rest: "what is\nnew?" }],
  ["/newest", undefined],
  ["say /new", undefined],
  ["", undefined],
])("%j", (message, command) => {
  expect(commandOf(message)).toEqual(command);
});

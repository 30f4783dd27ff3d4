import { expect, test } from "vitest";
import { foreignWarnings } from "./foreign-flags.ts";

test.each([
  [{}, []],
  [{ tailscale: "off" }, []],
  [{ tailscale: "off", "tailscale-reset-on-exit": true }, []],
  [{ "ws-log": "compact", dev: true }, [/^--ws-log and --dev: passed over/]],
  [{ tailscale: "serve" }, [/^--tailscale serve is passed over: --bind tailnet/]],
  [{ "raw-stream-path": "/tmp/x", tailscale: "funnel" }, [/--raw-stream-path/, /funnel/]],
])("of %j it is said what becomes of it", (given, expected) => {
  expect(foreignWarnings(given)).toEqual(expected.map((said) => expect.stringMatching(said)));
});

test.each([
  [{ tailscale: "yes" }, "--tailscale must be one of off, serve, funnel"],
  [{ "ws-log": "" }, "--ws-log must be one of auto, full, compact"],
])("%j is refused as OpenClaw would", (given, message) => {
  expect(() => foreignWarnings(given)).toThrow(message);
});

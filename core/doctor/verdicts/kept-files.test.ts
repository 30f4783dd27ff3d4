import { expect, test } from "vitest";
import { judgeChannel, judgeProbe } from "./channel.ts";
import { judgeBackups, judgeDrafts, judgeForeign, judgeLogs } from "./kept-files.ts";

const LOGS = { folder: "/s/logs", isWritable: true, files: 2, bytes: 3 * 1024 * 1024 };

test.each([
  [
    "earlier versions of the config",
    judgeBackups(["openclaw.json.bak"]),
    "ok",
    "openclaw.json.bak",
  ],
  ["none of them", judgeBackups([]), "ok", "yet"],
  ["nothing left behind", judgeDrafts([]), "ok", "nothing"],
  ["something left behind", judgeDrafts(["/s/a.tmp", "/s/b.tmp"]), "warning", "2 files"],
  ["a state of our own", judgeForeign(undefined), "ok", "no newer"],
  ["a newer state of another program", judgeForeign("it is newer"), "warning", "it is newer"],
  ["logs", judgeLogs(LOGS), "ok", "2 files, 3 MiB"],
  ["many logs", judgeLogs({ ...LOGS, bytes: 1e9 }), "warning", "954 MiB"],
  ["logs that cannot be written", judgeLogs({ ...LOGS, isWritable: false }), "warning", "written"],
  ["no logs", judgeLogs({ ...LOGS, folder: undefined }), "ok", "no log file"],
  ["a channel that is off", judgeChannel(true, false), "ok", "off"],
  ["a channel with a token", judgeChannel(false, true), "ok", "--deep"],
  ["a channel without one", judgeChannel(false, false), "warning", "no token"],
  [
    "a bot",
    judgeProbe({ ok: true, elapsedMs: 1, account: { id: "1", name: "@mybot" } }),
    "ok",
    "@mybot",
  ],
  [
    "a token that is refused",
    judgeProbe({ ok: false, elapsedMs: 1, error: "Unauthorized", refused: true }),
    "failed",
    "Unauthorized",
  ],
  [
    "a platform that does not answer",
    judgeProbe({ ok: false, elapsedMs: 1, error: "ECONNREFUSED", refused: false }),
    "warning",
    "ECONNREFUSED",
  ],
])("%s: said as it is", (_name, verdict, status, words) => {
  expect(verdict).toMatchObject({ status, detail: expect.stringContaining(words) });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { endianness, platform } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { ownerIn, type PeerEnds, peerOwner } from "./peer-owner.ts";

const UID = 1_000;
const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
/** From 127.0.0.1:40000 to 127.0.0.1:18789, as the client's end has it. */
const ENDS: PeerEnds = {
  address: "127.0.0.1",
  port: 40_000,
  toAddress: "::ffff:127.0.0.1",
  toPort: 18_789,
};
const CLIENT = "0100007F:9C40";
const SERVER = "0100007F:4965";

function line(local: string, remote: string, state: string, uid: number, inode: number): string {
  return `   1: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000 ${uid}        0 ${inode} 1 0 20 4 30 10 -1`;
}
const OURS = line(SERVER, CLIENT, "01", UID, 77);

test.each<[string, readonly string[], string]>([
  ["of ourselves", [OURS, line(CLIENT, SERVER, "01", UID, 78)], "own"],
  ["of root", [OURS, line(CLIENT, SERVER, "01", 0, 78)], "own"],
  ["of somebody else", [OURS, line(CLIENT, SERVER, "01", 33, 78)], "other"],
  ["that has gone, which is said to be root's", [OURS, line(CLIENT, SERVER, "05", 0, 0)], "other"],
  ["that nobody holds", [OURS, line(CLIENT, SERVER, "01", 0, 0)], "other"],
  ["that is not here", [OURS], "other"],
  ["at another port", [OURS, line("0100007F:9C41", SERVER, "01", UID, 78)], "other"],
  ["where the table is of others", [line("0100007F:0050", "0100007F:9C41", "01", 0, 9)], "unknown"],
  ["where there is nothing in it", [], "unknown"],
])("a peer %s", (_name, lines, expected) => {
  expect(ownerIn([[HEAD, ...lines, ""].join("\n")], ENDS, UID, true)).toBe(expected);
});

test("a system without such tables does not tell", () => {
  expect(ownerIn([], ENDS, UID, true)).toBe("unknown");
});

test("a table is not read when the one before has told", () => {
  function* tables(): Generator<string> {
    yield line(CLIENT, SERVER, "01", UID, 78);
    throw new Error("read");
  }
  expect(ownerIn(tables(), ENDS, UID, true)).toBe("own");
});

test("IPv6 is read word by word, and IPv4 within it", () => {
  const mapped = "0000000000000000FFFF00000100007F";
  const six = "00000000000000000000000001000000";
  const inMapped = line(`${mapped}:9C40`, `${mapped}:4965`, "01", UID, 5);
  expect(ownerIn([HEAD, inMapped], ENDS, UID, true)).toBe("own");
  const ends = { ...ENDS, address: "::1", toAddress: "::1" };
  const inSix = line(`${six}:9C40`, `${six}:4965`, "01", 33, 5);
  expect(ownerIn([HEAD, inSix], ends, UID, true)).toBe("other");
  const big = line("7F000001:9C40", "7F000001:4965", "01", UID, 5);
  expect(ownerIn([HEAD, big], ENDS, UID, false)).toBe("own");
});

/** Somebody who connects, as that user. */
async function peerOf(uid: number | undefined): Promise<string> {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const script = `require("node:net").connect(${port}, "127.0.0.1")`;
  const child = spawn(process.execPath, ["-e", script], { stdio: "ignore", uid, cwd: "/" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [socket]: Socket[] = await once(server, "connection");
  if (socket === undefined) throw new Error("no connection");
  onTestFinished(() => void socket.destroy());
  return peerOwner(socket);
}

test.runIf(platform() === "linux")("a real program of ours is known for one", async () => {
  expect(endianness()).toMatch(/^[BL]E$/);
  expect(await peerOf(undefined)).toBe("own");
});

test.runIf(platform() === "linux" && process.getuid?.() === 0)(
  "a real program of another user is known for one",
  async () => {
    expect(await peerOf(65_534)).toBe("other");
  },
);

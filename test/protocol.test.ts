import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toHex } from "../shared/bytes.ts";
import { LIMITS } from "../shared/limits.ts";
import { Secret } from "../shared/secret.ts";
import { encodeFields } from "../shared/tunnel/fields.ts";
import {
  decodeFrames,
  encodeFrames,
  Flag,
  frame,
  FrameType,
  GoAwayCode,
  HEADER_BYTES,
  NackCode,
  ResetCode,
} from "../shared/tunnel/frame.ts";
import {
  importTunnelKey,
  provePairing,
  signConnect,
  signPairing,
  signWelcome,
  SUPPORTED_PROTOCOLS,
} from "../shared/tunnel/handshake.ts";

const text = readFileSync("shared/tunnel/protocol.md", "utf8");

/** The rows of the table whose header starts with these cells, as cells without code marks. */
function table(...header: readonly string[]): string[][] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => {
    const cells = cellsOf(line);
    return header.every((name, index) => cells[index] === name);
  });
  if (start < 0) throw new Error(`no table ${header.join(" | ")}`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(cellsOf(line));
  }
  return rows;
}

function cellsOf(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("`", ""));
}

/** `maxData` -> `MAX_DATA`; two names are written as people say them. */
function spoken(key: string): string {
  const special: Record<string, string> = { wsMessage: "WS_MSG", goAway: "GOAWAY" };
  return special[key] ?? key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function bySpokenName(codes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(codes).map(([key, value]) => [spoken(key), value]));
}

function byName(rows: readonly string[][]): Record<string, number> {
  return Object.fromEntries(rows.map(([number, name]) => [name, Number(number)]));
}

test.each([
  ["frame types", table("number", "name", "sent by"), FrameType],
  ["flags", table("flag", "name"), Flag],
  ["RESET codes", table("RESET code", "name"), ResetCode],
  ["GOAWAY codes", table("GOAWAY code", "name"), GoAwayCode],
  ["NACK codes", table("NACK code", "name"), NackCode],
])("the document and the code have the same %s", (_name, rows, codes) => {
  expect(byName(rows)).toEqual(bySpokenName(codes));
});

test("payloads are as long as the document says, by type", () => {
  const most: Record<string, number> = {
    h: LIMITS.maxHeadBytes,
    d: LIMITS.maxFrameBytes,
    c: LIMITS.maxReasonBytes,
    s: LIMITS.maxNoteBytes,
  };
  for (const [number, name, , , payload = ""] of table("number", "name", "sent by")) {
    const bytes = most[payload.charAt(0)] ?? 0;
    const fits = [bytes, bytes + 1].map((length) => isReadable(Number(number), length));
    expect([name, ...fits]).toEqual([name, true, false]);
  }
});

function isReadable(type: number, length: number): boolean {
  const message = new Uint8Array(HEADER_BYTES + length);
  message[0] = type;
  new DataView(message.buffer).setUint32(8, length);
  return decodeFrames(message).ok;
}

test("reserved types are in nobody's use", () => {
  const used: ReadonlySet<number> = new Set(Object.values(FrameType));
  const reserved = table("type", "reserved for").map(([number]) => Number(number));
  expect(reserved).toHaveLength(1);
  expect(reserved.filter((number) => used.has(number))).toEqual([]);
});

test("every limit in the document has its value in the code", () => {
  const known: Readonly<Record<string, number>> = LIMITS;
  for (const [name = "", value = ""] of table("limit", "value")) {
    expect([name, known[name]]).toEqual([name, Number(value.replaceAll(",", ""))]);
  }
});

test("every limit that the tunnel's code uses is in the document", () => {
  const documented = new Set(table("limit", "value").map(([name]) => name));
  const used = globSync("shared/tunnel/*.ts")
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => {
      const source = readFileSync(file, "utf8");
      const destructured = [...source.matchAll(/\{([^{}]*)\} = LIMITS/g)]
        .flatMap(([, names = ""]) => names.split(","))
        .map((name) => name.split(":")[0]?.trim());
      return [...source.matchAll(/LIMITS\.(\w+)/g)].map(([, name]) => name).concat(destructured);
    });
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((name) => !documented.has(name))).toEqual([]);
});

test("the document names the protocols the code speaks", () => {
  for (const name of SUPPORTED_PROTOCOLS) expect(text).toContain(`\`${name}\``);
});

test("the worked examples are what the code computes", async () => {
  const given = new Map(table("name", "value").map(([name = "", value = ""]) => [name, value]));
  const get = (name: string): string => given.get(name) ?? "";
  const key = (who: string) =>
    importTunnelKey({
      kty: "OKP",
      crv: "Ed25519",
      x: get(`${who} public`),
      d: get(`${who} private`),
    });
  const [core, edge] = [await key("core"), await key("edge")];
  const [nonce, at, session] = [get("nonce"), Number(get("ts")), get("session")];
  const connectUrl = new URL(get("connect URL"));
  const secret = new Secret(get("pairing secret"));
  const { kid, publicKey } = core;
  const connect = { nonce, at, instance: get("instance") };
  const open = encodeFields([
    [":method", "GET"],
    ["accept", "*/*"],
  ]);
  if (!open.ok) throw new Error(open.error.reason);
  const computed = {
    "core kid": kid,
    "connect sig": sigOf(await signConnect(core, connectUrl, connect)),
    "pairing sig": sigOf(
      await signPairing(secret, new URL(get("pairing URL")), { kid, publicKey, nonce, at }),
    ),
    "pairing proof": await provePairing(secret, { kid, nonce, edgeKey: edge.publicKey }),
    "WELCOME signature": await signWelcome(edge.privateKey, {
      host: connectUrl.host,
      kid,
      nonce,
      session,
    }),
    "OPEN frame, hexadecimal": toHex(
      encodeFrames([frame(FrameType.open, 1, open.value, { flags: Flag.end })]),
    ),
  };
  for (const [name, value] of Object.entries(computed))
    expect([name, get(name)]).toEqual([name, value]);
});

function sigOf(headers: Record<string, string>): string | undefined {
  return /sig=(\S+)$/.exec(headers["Authorization"] ?? "")?.[1];
}

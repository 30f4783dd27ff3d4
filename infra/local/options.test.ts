import { expect, test } from "vitest";
import { parseOptions } from "./options.ts";

const place = { cwd: "/srv", home: "/home/ada" };

test("without settings everything has its documented default", () => {
  expect(parseOptions([], {}, place)).toEqual({
    ok: true,
    value: { json: false, edgePort: 8787, stateDir: "/home/ada/.openclaw", configPath: undefined },
  });
});

test("settings are honoured, relative paths from where the user stands", () => {
  const env = {
    SALLYPORT_EDGE_PORT: "0",
    OPENCLAW_STATE_DIR: "state",
    OPENCLAW_CONFIG_PATH: "~/gateway.json",
  };
  expect(parseOptions(["--json"], env, place)).toEqual({
    ok: true,
    value: {
      json: true,
      edgePort: 0,
      stateDir: "/srv/state",
      configPath: "/home/ada/gateway.json",
    },
  });
});

test("another home moves the state directory and what ~ means", () => {
  const env = { OPENCLAW_HOME: "/srv/ada", OPENCLAW_CONFIG_PATH: "~/c.json" };
  expect(parseOptions([], env, place)).toMatchObject({
    value: { stateDir: "/srv/ada/.openclaw", configPath: "/srv/ada/c.json" },
  });
});

test("an empty variable is not set", () => {
  const env = { SALLYPORT_EDGE_PORT: "", OPENCLAW_STATE_DIR: " " };
  expect(parseOptions([], env, place)).toMatchObject({
    value: { edgePort: 8787, stateDir: "/home/ada/.openclaw" },
  });
});

test("help is asked for by --help and -h", () => {
  expect(parseOptions(["--help"], {}, place)).toEqual({ ok: true, value: "help" });
  expect(parseOptions(["-h"], {}, place)).toEqual({ ok: true, value: "help" });
});

test.each(["80a", "-1", "65536", "1e3", "0x50"])("the edge port %j is refused by name", (port) => {
  const parsed = parseOptions([], { SALLYPORT_EDGE_PORT: port }, place);
  expect(parsed).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining("SALLYPORT_EDGE_PORT"), exitCode: 78 },
  });
});

test.each([["--jsn"], ["extra"]])("the unknown argument %j is refused in one line", (argument) => {
  const parsed = parseOptions([argument], {}, place);
  const message: unknown = expect.stringMatching(/^[^\n]+--help$/);
  expect(parsed).toMatchObject({ ok: false, error: { message, exitCode: 1 } });
});

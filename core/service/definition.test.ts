import { expect, test } from "vitest";
import { carriedVariables, searchPath, stopSecFor } from "./definition.ts";

test("what says where things are is carried, absolute, and nothing secret is", () => {
  const env = {
    OPENCLAW_STATE_DIR: "state",
    OPENCLAW_CONFIG_PATH: "~/gw.json",
    OPENCLAW_GATEWAY_PORT: "19000",
    OPENCLAW_GATEWAY_TOKEN: "secret-a",
    OPENCLAW_GATEWAY_PASSWORD: "secret-b",
    OPENCLAW_HOME: " ",
    SALLYPORT_EDGE_PAIRING: "secret-c",
    OPENAI_API_KEY: "secret-d",
    HTTPS_PROXY: "http://me:secret-e@proxy",
    NODE_OPTIONS: "--inspect",
    TZ: "Europe/Berlin",
  };
  expect(carriedVariables({ env, cwd: "/srv", home: "/home/me" })).toEqual({
    OPENCLAW_STATE_DIR: "/srv/state",
    OPENCLAW_CONFIG_PATH: "/home/me/gw.json",
    OPENCLAW_GATEWAY_PORT: "19000",
    TZ: "Europe/Berlin",
  });
});

test("a shell that says nothing of them has nothing to carry", () => {
  expect(carriedVariables({ env: { PATH: "/bin" }, cwd: "/", home: "/root" })).toEqual({});
});

test("programs are looked for beside Node first, and nowhere twice", () => {
  expect(searchPath("/opt/node/bin/node")).toMatch(/^\/opt\/node\/bin:\/usr\/local\/sbin:/);
  expect(
    searchPath("/usr/bin/node")
      .split(":")
      .filter((one) => one === "/usr/bin"),
  ).toEqual(["/usr/bin"]);
});

test("a stop may take the drain and some more", () => {
  expect(stopSecFor(20_000)).toBe(35);
  expect(stopSecFor(1)).toBe(16);
});

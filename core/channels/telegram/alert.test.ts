import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { alertRequest } from "./alert.ts";

const SETTINGS = { botToken: new Secret("1:abc"), apiRoot: "https://api.telegram.org" };

test("an alert is sent by the same call as every message, to a topic as well", () => {
  const request = alertRequest("-100:7", "it is away", SETTINGS);
  expect(request?.url).toBe("https://api.telegram.org/bot1:abc/sendMessage");
  expect(request?.headers.get("content-type")).toBe("application/json");
  expect(JSON.parse(request?.body ?? "")).toEqual({
    chat_id: "-100",
    message_thread_id: 7,
    text: "it is away",
    link_preview_options: { is_disabled: true },
  });
});

test("there is none for what is no chat", () => {
  expect(alertRequest("somebody", "it is away", SETTINGS)).toBeUndefined();
});

import { expect, test } from "vitest";
import { shownIdentity } from "./identity.ts";

const PROFILE = {
  id: "main",
  name: undefined,
  isDefault: true,
  identity: {},
  workspace: "/w",
  modelRefs: ["demo/echo"],
  toolNames: [],
} as const;

test("the config wins over the file of the workspace, and that over nothing", () => {
  const file = "# Identity\n\n- **Name:** Molty\n- **Emoji:** 🦞\n";
  const named = { ...PROFILE, identity: { name: "Ada" } };
  expect(shownIdentity(named, file)).toMatchObject({ name: "Ada", nameSource: "config" });
  expect(shownIdentity(PROFILE, file)).toMatchObject({
    name: "Molty",
    nameSource: "workspace",
    emoji: "🦞",
  });
  expect(shownIdentity(PROFILE, undefined)).toMatchObject({
    name: "Assistant",
    nameSource: "default",
    avatarStatus: "none",
  });
});

test.each([
  ["- Name: *(pick something you like)*"],
  ["- **Name:**"],
  ["- **Name:** _(none)_"],
  ["The name: of the thing is Bob"],
])("a line that nobody filled in is no name: %s", (line) => {
  expect(shownIdentity(PROFILE, line)).toMatchObject({ nameSource: "default" });
});

test.each([
  ["https://example.com/a.png", "remote"],
  ["data:image/png;base64,AA==", "data"],
  ["avatars/me.png", "local"],
])("the avatar %s is %s", (avatar, avatarStatus) => {
  const profile = { ...PROFILE, identity: { avatar } };
  expect(shownIdentity(profile, undefined)).toMatchObject({ avatar, avatarStatus });
});

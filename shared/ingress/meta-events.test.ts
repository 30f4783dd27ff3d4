import { describe, expect, test } from "vitest";
import { metaEvents } from "./meta-events.ts";

async function eventsOf(body: unknown) {
  return (await metaEvents(body)) ?? [];
}

async function names(body: unknown) {
  return (await eventsOf(body)).map(({ id, conversation }) => [id, conversation]);
}

function account(...changes: unknown[]) {
  return { object: "whatsapp_business_account", entry: [{ id: "102290129340398", changes }] };
}

function change(value: unknown, field = "messages") {
  return { field, value };
}

function page(...messaging: unknown[]) {
  return { object: "page", entry: [{ id: "PAGE", time: 1_458_692_752_478, messaging }] };
}

describe("WhatsApp", () => {
  // Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
  const metadata = { display_phone_number: "15550783881", phone_number_id: "106540352242922" };
  const around = { messaging_product: "whatsapp", metadata };
  const sheena = { profile: { name: "Sheena Nelson" }, wa_id: "16505551234" };
  const pablo = { profile: { name: "Pablo" }, wa_id: "16505555678" };
  const text = {
    from: "16505551234",
    id: "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
    timestamp: "1749416383",
    type: "text",
    text: { body: "Does it come in another color?" },
  };
  const image = { from: "16505555678", id: "wamid.2", type: "image", image: { id: "1" } };
  const sent = { id: "wamid.3", status: "sent", recipient_id: "16505551234" };

  test("one message is the body as it is", async () => {
    const body = account(change({ ...around, contacts: [sheena], messages: [text] }));
    expect(await eventsOf(body)).toEqual([
      { id: text.id, conversation: "106540352242922:16505551234", value: undefined },
    ]);
  });

  test("of several each has the envelope with itself and its sender in it", async () => {
    const body = account(
      change({ ...around, contacts: [sheena, pablo], messages: [text, image] }),
      change({ ...around, statuses: [sent, { ...sent, status: "delivered" }] }),
    );
    expect(await names(body)).toEqual([
      [text.id, "106540352242922:16505551234"],
      ["wamid.2", "106540352242922:16505555678"],
      ["wamid.3:sent", "106540352242922:16505551234"],
      ["wamid.3:delivered", "106540352242922:16505551234"],
    ]);
    expect((await eventsOf(body)).map(({ value }) => value)).toEqual([
      account(change({ ...around, contacts: [sheena], messages: [text] })),
      account(change({ ...around, contacts: [pablo], messages: [image] })),
      account(change({ ...around, statuses: [sent] })),
      account(change({ ...around, statuses: [{ ...sent, status: "delivered" }] })),
    ]);
  });

  test("an event put together otherwise in the next try has the same name", async () => {
    const alone = account(change({ ...around, contacts: [pablo], messages: [image] }));
    const together = account(change({ ...around, contacts: [pablo], messages: [text, image] }));
    expect((await names(together))[1]).toEqual((await names(alone))[0]);
  });

  test("entries of several accounts are kept apart", async () => {
    const entry = [
      { id: "1", changes: [change({ ...around, messages: [text] })] },
      { id: "2", changes: [change({ ...around, messages: [image] })] },
    ];
    const events = await eventsOf({ object: "whatsapp_business_account", entry });
    expect(events.map(({ value }) => value)).toEqual(
      entry.map((one) => ({ object: "whatsapp_business_account", entry: [one] })),
    );
  });

  test("calls and echoes of messages are events too", async () => {
    const body = account(
      change({ ...around, calls: [{ id: "wacid.1", event: "connect", from: "165" }] }, "calls"),
      change({ ...around, calls: [{ id: "wacid.1", event: "terminate", from: "165" }] }, "calls"),
      change({ ...around, message_echoes: [{ id: "wamid.9", from: "155", to: "165" }] }),
    );
    expect(await names(body)).toEqual([
      ["wacid.1:connect", "106540352242922:165"],
      ["wacid.1:terminate", "106540352242922:165"],
      ["wamid.9", "106540352242922:165"],
    ]);
  });

  test("a contact whose number is written otherwise stays, when it is the only one", async () => {
    const brazil = { wa_id: "5511987654321" };
    const messages = [
      { ...text, from: "551187654321" },
      { ...image, from: "551187654321" },
    ];
    const events = await eventsOf(account(change({ ...around, contacts: [brazil], messages })));
    expect(events[0]?.value).toEqual(
      account(change({ ...around, contacts: [brazil], messages: messages.slice(0, 1) })),
    );
  });

  test.each([
    [
      "a template",
      change(
        { event: "APPROVED", message_template_id: 594_425_479_261_596 },
        "message_template_status_update",
      ),
    ],
    ["errors alone", change({ ...around, errors: [{ code: 130_429 }] })],
    ["a message list that is none", change({ ...around, messages: "none" })],
    ["a value that is none", change(7)],
    ["no value", { field: "messages" }],
    ["nothing", {}],
  ])("%s is one event, named by what it says", async (_name, one) => {
    const [named, ...others] = await names(account(one));
    expect(others).toEqual([]);
    expect(named).toEqual([expect.stringMatching(/^[\w-]{43}$/), "102290129340398"]);
    expect(await names(account(one))).toEqual([named]);
    expect(await names(account({ ...one, field: "other" }))).not.toEqual([named]);
  });

  test("messages and statuses without an id are told apart by what they say", async () => {
    const body = account(change({ ...around, messages: [{ from: "1" }, { from: "2" }] }));
    const [first, second] = await names(body);
    expect(first?.[0]).toMatch(/^[\w-]{43}$/);
    expect(first?.[0]).not.toBe(second?.[0]);
    expect(await names(account(change({ ...around, statuses: [{ id: "x" }] })))).toEqual([
      [expect.stringMatching(/^[\w-]{43}$/), "106540352242922"],
    ]);
  });
});

describe("Messenger and Instagram", () => {
  // Source: https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
  const one = { sender: { id: "USER" }, recipient: { id: "PAGE" }, timestamp: 1_458_692_752_478 };

  test.each([
    ["a message", { message: { mid: "m_1", text: "hello" } }, "m_1", "PAGE:USER"],
    [
      "an echo",
      { sender: { id: "PAGE" }, recipient: { id: "USER" }, message: { mid: "m_2", is_echo: true } },
      "m_2",
      "PAGE:USER",
    ],
    [
      "a postback",
      { postback: { mid: "m_3", title: "T", payload: "P" } },
      "postback:m_3",
      "PAGE:USER",
    ],
    [
      "a read message",
      { read: { watermark: 1_458_668_856_253 } },
      "read:USER:1458668856253",
      "PAGE:USER",
    ],
    ["a read message of Instagram", { read: { mid: "m_4" } }, "read:USER:m_4", "PAGE:USER"],
  ])("%s has its name and its lane", async (_name, part, id, conversation) => {
    expect(await names(page({ ...one, ...part }))).toEqual([[id, conversation]]);
  });

  test.each([
    ["a delivery", { delivery: { mids: ["m_1"], watermark: 1 } }],
    ["a reaction", { reaction: { mid: "m_1", action: "react", emoji: "❤" } }],
    ["an edit", { message_edit: { mid: "m_1", num_edit: 1 } }],
    ["a postback without an id", { postback: { payload: "P" } }],
    ["an opt-in", { optin: { ref: "R" } }],
  ])("%s is named by what it says", async (_name, part) => {
    const [named] = await names(page({ ...one, ...part }));
    expect(named).toEqual([expect.stringMatching(/^[\w-]{43}$/), "PAGE:USER"]);
    // Others around it and a later time of the entry change nothing.
    const again = {
      object: "page",
      entry: [{ id: "PAGE", time: 2, messaging: [one, { ...one, ...part }] }],
    };
    expect((await names(again))[1]).toEqual(named);
    expect(await names(page({ ...one, ...part, timestamp: 1 }))).not.toEqual([named]);
  });

  test("of several each has the envelope with itself in it", async () => {
    const [first, second] = [
      { ...one, message: { mid: "1" } },
      { ...one, message: { mid: "2" } },
    ];
    const events = await eventsOf(page(first, second));
    expect(events.map(({ value }) => value)).toEqual([page(first), page(second)]);
  });

  test("what another app was sent is another event", async () => {
    const messaging = [{ ...one, message: { mid: "m_1" } }];
    const body = { object: "page", entry: [{ id: "PAGE", messaging, standby: messaging }] };
    expect((await names(body)).map(([id]) => id)).toEqual(["m_1", "standby:m_1"]);
  });

  // Source: https://developers.facebook.com/docs/instagram-platform/webhooks/examples
  const comment = {
    field: "comments",
    value: { id: "17865799348089039", from: { id: "232323232", username: "amy" }, text: "Nice!" },
  };

  test("a comment has a lane of who wrote it; the same change at another time is another event", async () => {
    const entry = { id: "17841405726653026", time: 1_520_622_968, changes: [comment] };
    const [named] = await names({ object: "instagram", entry: [entry] });
    expect(named).toEqual([expect.stringMatching(/^[\w-]{43}$/), "17841405726653026:232323232"]);
    const later = { ...entry, time: 1_520_622_969 };
    expect(await names({ object: "instagram", entry: [later] })).not.toEqual([named]);
  });

  test("an entry that only names its fields is one event", async () => {
    const entry = { id: "0", uid: "0", time: 1_520_383_571, changed_fields: ["photos"] };
    expect(await names({ object: "user", entry: [entry] })).toEqual([
      [expect.stringMatching(/^[\w-]{43}$/), "0"],
    ]);
  });

  test("numbers for ids are as good as text", async () => {
    const messaging = [{ sender: { id: 7 }, message: { mid: "m" } }];
    expect(await names({ object: "page", entry: [{ id: 8, messaging }] })).toEqual([["m", "8:7"]]);
  });
});

test("a thousand events in one request are told apart, each with its own envelope", async () => {
  const messages = Array.from({ length: 1_000 }, (_, index) => ({
    id: `wamid.${index}`,
    from: String(index),
  }));
  const contacts = messages.map(({ from }) => ({ wa_id: from }));
  const value = { metadata: { phone_number_id: "p" }, contacts, messages };
  const entry = [{ id: "w", changes: [{ field: "messages", value }] }];
  const events = await eventsOf({ object: "whatsapp_business_account", entry });
  expect(new Set(events.map(({ id }) => id)).size).toBe(1_000);
  expect(JSON.stringify(events[999]?.value)).toContain('"contacts":[{"wa_id":"999"}]');
  expect(JSON.stringify(events[999]?.value)).not.toContain("wamid.998");
});

test("nothing but an empty list has no events", async () => {
  expect(await metaEvents({ object: "page", entry: [] })).toEqual([]);
  expect(await metaEvents({ object: "page", entry: [{ id: "1", messaging: [] }] })).toEqual([]);
});

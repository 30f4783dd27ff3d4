import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Store } from "../../../core/store/store.ts";
import type { WebhookRow } from "../../../core/store/webhook.ts";
import { bodyOf, childWebhook, childWork } from "./webhook-made.ts";
import { type StoreMaker, temporaryFolder } from "./world.ts";

const CHILD = fileURLToPath(new URL("./webhook-child.ts", import.meta.url));

/** Lets a process take in webhooks and kills it after `lines` promises. @returns Those. */
async function takeInAndDie(make: StoreMaker, dir: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, make.adapter, dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const kept: string[] = [];
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [verb, id = ""] = line.split(" ");
    if (verb === "kept") kept.push(id);
    seen += 1;
    if (seen === lines) child.kill("SIGKILL");
  }
  expect(await exited).toEqual([null, "SIGKILL"]);
  return kept;
}

async function all(store: Store): Promise<WebhookRow[]> {
  return store.webhooks({ limit: 1_000 });
}

export function describeWebhookDurability(make: StoreMaker): void {
  describe("durability of webhooks", () => {
    test("after SIGKILL a webhook is there with its work and its whole body, or not at all", async () => {
      await using folder = await temporaryFolder();
      const promised: string[] = [];
      for (const lines of [5, 9, 14, 22, 31]) {
        promised.push(...(await takeInAndDie(make, folder.path, lines)));
      }
      await using store = await make.open(folder.path);
      const rows = await all(store);
      const ids = new Set(rows.map(({ id }) => id));
      expect(promised.filter((id) => !ids.has(id))).toEqual([]);
      expect(rows.filter(({ state }) => state !== "waiting" && state !== "done")).toEqual([]);
      for (const { id } of rows) {
        const detail = await store.webhook(id);
        expect(detail?.work.map((work) => work.id)).toEqual([`${id}/a`, `${id}/b`]);
        expect(detail?.state === "done").toBe(detail?.work.every(({ state }) => state === "done"));
        const body = await store.webhookBody(id, 0, 10_000_000);
        expect(Buffer.compare(body?.bytes ?? Buffer.of(), bodyOf(id))).toBe(0);
        const again = await store.keepWebhook(childWebhook(id, bodyOf(id)), childWork(id));
        expect(again.fresh).toEqual([]);
      }
      const stats = await store.webhookStats();
      expect(stats).toMatchObject([{ accepted: rows.length }]);
    });
  });
}

import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { openBrowser, type Page } from "./browser.ts";
import { expect, type Check } from "./check.ts";
import { MODEL_SAYS, type World } from "./world.ts";

const MESSAGE = "A question from the browser";

/** One run through OpenClaw's own web page, as its owner sees it. */
export const BROWSER_CHECKS: readonly Check<World>[] = [
  {
    name: "browser: sign in at the edge, open the Control UI, chat, survive a new connector",
    async run(world) {
      await using page = await openBrowser(await mkdtemp(join(world.folder, "chromium-")));
      try {
        return await visit(page, world);
      } catch (error) {
        const file = process.env["SCREENSHOT"];
        if (file !== undefined) await page.screenshot(file);
        throw error;
      }
    },
  },
];

async function visit(page: Page, world: World): Promise<string> {
  await page.goTo(new URL("/chat?session=main", world.url));
  await page.waitFor("the login page", "location.pathname === '/auth/login'");
  await signIn(page, "wrong");
  await page.waitFor("a refusal", "document.body.innerText.includes('not a token')");
  await signIn(page, world.token);
  await page.waitFor("the Control UI", "document.querySelector('openclaw-app') !== null");
  await page.waitFor("a place to write", `${COMPOSER} !== null`);
  expect(!page.frames.sent.join().includes(world.openclawToken), "the page knows the real token");

  const begunAt = performance.now();
  await write(page, MESSAGE);
  await page.waitFor("an answer", `document.body.innerText.includes('${MODEL_SAYS}')`);
  const answeredMs = performance.now() - begunAt;

  const code = await world.restartConnector();
  expect(code === 0, `the connector ended with ${code}`);
  const again = performance.now();
  const heard = page.frames.received.length;
  await page.waitFor("the page to come back", `${COMPOSER}?.disabled === false`);
  while (!page.frames.received.slice(heard).some((frame) => frame.includes("hello-ok"))) {
    expect(performance.now() - again < 60_000, "no new connection within a minute");
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))");
  }
  const backMs = performance.now() - again;
  const { sent, received } = page.frames;
  return (
    `answered in ${Math.round(answeredMs)} ms, back after ${Math.round(backMs)} ms, ` +
    `${sent.length} frames sent, ${received.length} received, ` +
    `failed requests: ${page.failures.map((line) => line.replace(world.url.origin, "")).join(", ")}`
  );
}

const COMPOSER = "document.querySelector('textarea')";

async function signIn(page: Page, token: string): Promise<void> {
  await page.evaluate(
    `document.querySelector('input[name=token]').value = ${JSON.stringify(token)};
     document.querySelector('form').requestSubmit()`,
  );
}

/** As a person does: types, and presses Enter. */
async function write(page: Page, text: string): Promise<void> {
  await page.evaluate(`${COMPOSER}.focus()`);
  await page.type(text);
}

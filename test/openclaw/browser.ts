import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { WebSocket } from "ws";
import * as z from "zod";
import { start, until } from "./processes.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** Long enough for a page of a megabyte of scripts on a busy machine. */
const PAGE_MS = 60_000;

const Message = z.object({
  id: z.number().optional(),
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
});
const Evaluated = z.object({
  result: z.object({ value: z.unknown().optional() }),
  exceptionDetails: z.object({ text: z.string() }).optional(),
});

/** One page of a real browser, over the DevTools protocol. */
export interface Page extends AsyncDisposable {
  goTo(url: URL): Promise<void>;
  /** The value of an expression in the page; promises are awaited. */
  evaluate(expression: string): Promise<unknown>;
  /** Resolves once the expression is true. */
  waitFor(what: string, expression: string): Promise<void>;
  /** Types into what has the focus, and presses Enter. */
  type(text: string): Promise<void>;
  screenshot(file: string): Promise<void>;
  /** Frames that the page's WebSockets have sent and received. */
  readonly frames: { readonly sent: string[]; readonly received: string[] };
  /** Requests that failed or were answered with 400 and above, as `status url`. */
  readonly failures: readonly string[];
}

/** @throws Error when there is no Chromium on this machine. */
export async function openBrowser(profile: string): Promise<Page> {
  const program = (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((place) => NAMES.map((name) => join(place, name)))
    .find((file) => existsSync(file));
  if (program === undefined) throw new Error("no Chromium here: apt-get install chromium");
  await using parts = new AsyncDisposableStack();
  const browser = parts.use(
    start(
      program,
      [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--ignore-certificate-errors",
        "--no-first-run",
        "--disable-background-networking",
        "--window-size=1280,900",
        "--remote-debugging-port=0",
        `--user-data-dir=${profile}`,
        "about:blank",
      ],
      { env: { PATH: process.env["PATH"] ?? "", HOME: profile } },
    ),
  );
  const address = await browser.line((line) => /DevTools listening on (ws:\S+)/.exec(line)?.[1]);
  const { origin } = new URL(address.replace("ws:", "http:"));
  const target = await until("a page", () => pageOf(origin), PAGE_MS);
  const socket = new WebSocket(target, { perMessageDeflate: false });
  await once(socket, "open");
  parts.defer(() => socket.terminate());
  const page = new DevTools(socket);
  for (const domain of ["Page", "Runtime", "Network"]) await page.send(`${domain}.enable`);
  const running = parts.move();
  return Object.assign(page, { [Symbol.asyncDispose]: () => running.disposeAsync() });
}

async function pageOf(origin: string): Promise<string | undefined> {
  const Targets = z.array(z.object({ type: z.string(), webSocketDebuggerUrl: z.string() }));
  const targets = Targets.parse(await (await fetch(`${origin}/json/list`)).json());
  return targets.find(({ type }) => type === "page")?.webSocketDebuggerUrl;
}

class DevTools {
  readonly frames: { readonly sent: string[]; readonly received: string[] } = {
    sent: [],
    received: [],
  };
  readonly failures: string[] = [];
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#receive(data.toString()));
  }

  send(method: string, params: object = {}): Promise<unknown> {
    const id = this.#asked.size + 1;
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  async goTo(url: URL): Promise<void> {
    await this.send("Page.navigate", { url: url.href });
    await this.waitFor(`the page at ${url.pathname}`, "document.readyState === 'complete'");
  }

  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const { result, exceptionDetails } = Evaluated.parse(answer);
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
    return result.value;
  }

  async waitFor(what: string, expression: string): Promise<void> {
    const seen = async (): Promise<true | undefined> =>
      (await this.evaluate(expression)) === true ? true : undefined;
    await until(what, seen, PAGE_MS);
  }

  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
    const key = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...key });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }

  async screenshot(file: string): Promise<void> {
    const { data } = z
      .object({ data: z.string() })
      .parse(await this.send("Page.captureScreenshot", { format: "png" }));
    await writeFile(file, Buffer.from(data, "base64"));
  }

  #receive(text: string): void {
    const { id, result, error, method, params } = Message.parse(JSON.parse(text));
    if (id !== undefined) {
      const asked = this.#asked.get(id);
      if (error === undefined) asked?.resolve(result);
      else asked?.reject(new Error(error.message));
    } else if (method !== undefined) {
      this.#onEvent(method, params);
    }
  }

  #onEvent(method: string, params: unknown): void {
    if (method === "Network.webSocketFrameSent") this.frames.sent.push(payloadOf(params));
    if (method === "Network.webSocketFrameReceived") this.frames.received.push(payloadOf(params));
    if (method !== "Network.responseReceived") return;
    const { response } = z
      .object({ response: z.object({ status: z.number(), url: z.string() }) })
      .parse(params);
    if (response.status >= 400) this.failures.push(`${response.status} ${response.url}`);
  }
}

function payloadOf(params: unknown): string {
  const Frame = z.object({ response: z.object({ payloadData: z.string() }) });
  return Frame.parse(params).response.payloadData;
}

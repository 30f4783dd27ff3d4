import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { parseTelegramHtml } from "./telegram-html.ts";
import { TelegramQueue } from "./telegram-queue.ts";
import { BOT } from "./telegram-updates.ts";
import type { FakeUpdate } from "./telegram-updates.ts";

/** A message that the server accepted, in the order of arrival. */
export interface SentMessage {
  readonly chat: string;
  readonly thread: number | undefined;
  /** What people see, after the entities were parsed. */
  readonly text: string;
  /** As it was sent; equal to `text` without a parse mode. */
  readonly raw: string;
  readonly parseMode: string | undefined;
  readonly messageId: number;
}

/** How one coming call goes wrong. `accept_…`: it is carried out, and only the answer is lost. */
export type Fault =
  | {
      readonly kind: "refuse";
      readonly status: number;
      readonly description: string;
      readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number };
    }
  | { readonly kind: "accept_then_502" }
  | { readonly kind: "accept_then_hang_up" }
  | { readonly kind: "hang_up" };

export const tooManyRequests = (seconds: number): Fault => ({
  kind: "refuse",
  status: 429,
  description: `Too Many Requests: retry after ${seconds}`,
  parameters: { retry_after: seconds },
});

export const blockedByUser: Fault = {
  kind: "refuse",
  status: 403,
  description: "Forbidden: bot was blocked by the user",
};

export interface FakeTelegramOptions {
  readonly token?: string;
  /** A local Bot API server (`--local`) takes http webhooks, api.telegram.org does not. */
  readonly httpWebhooks?: boolean;
}

const Chat = z.union([z.int(), z.string()]).transform(String);
const GetUpdates = z.object({
  offset: z.int().default(0),
  limit: z.int().min(1).max(100).default(100),
  timeout: z.int().min(0).max(50).default(0),
});
const SetWebhook = z.object({
  url: z.string(),
  secret_token: z.string().optional(),
  allowed_updates: z.array(z.string()).default([]),
  max_connections: z.int().default(40),
  drop_pending_updates: z.boolean().default(false),
});
const SendMessage = z.object({
  chat_id: Chat,
  message_thread_id: z.int().optional(),
  text: z.string(),
  parse_mode: z.string().optional(),
});
const SetMyCommands = z.object({
  commands: z
    .array(
      z.object({
        command: z.string().regex(/^[a-z0-9_]{1,32}$/),
        description: z.string().min(1).max(256),
      }),
    )
    .max(100),
});
const SendChatAction = z.object({ chat_id: Chat, action: z.literal("typing") });

class Refusal extends Error {
  readonly status: number;
  readonly parameters: unknown;

  constructor(refusal: {
    readonly status: number;
    readonly description: string;
    readonly parameters?: unknown;
  }) {
    super(refusal.description);
    this.status = refusal.status;
    this.parameters = refusal.parameters;
  }
}

function badRequest(why: string): Refusal {
  return new Refusal({ status: 400, description: `Bad Request: ${why}` });
}

function conflict(why: string): Refusal {
  return new Refusal({ status: 409, description: `Conflict: ${why}` });
}

/** A Bot API server on a loopback port, for one bot. Source: https://core.telegram.org/bots/api */
export class FakeTelegram implements AsyncDisposable {
  readonly token: string;
  readonly sent: SentMessage[] = [];
  /** Every call, in order: `getMe`, `sendMessage` … */
  readonly calls: string[] = [];
  /** Chats for which the typing notice was shown, once per call. */
  readonly typing: string[] = [];
  /** Chats the bot may write to: those that wrote to it, and what a test adds. */
  readonly chats = new Set<string>();
  readonly queue: TelegramQueue;
  /** What the menu beside the input field shows; undefined: nobody has set one. */
  menu: z.output<typeof SetMyCommands>["commands"] | undefined;
  #revoked = false;
  readonly #httpWebhooks: boolean;
  readonly #faults: { readonly method: string; readonly fault: Fault }[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #server: Server;

  constructor(server: Server, options: FakeTelegramOptions) {
    this.token = options.token ?? `${BOT.id}:AAF-fake-bot-token-for-tests_0123456`;
    this.#httpWebhooks = options.httpWebhooks ?? true;
    this.#server = server;
    this.queue = new TelegramQueue(() => this.#changed());
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  /** For grammY's `client.apiRoot`. */
  get apiRoot(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Queues an update for whoever takes it: the webhook, or the next poll. */
  push(...updates: readonly FakeUpdate[]): void {
    for (const update of updates) {
      const chat = /"chat":\{"id":(-?\d+)/.exec(JSON.stringify(update))?.[1];
      if (chat !== undefined) this.chats.add(chat);
      this.queue.push(update);
    }
  }

  /** `push`, and resolves once it was taken: answered 2xx, or confirmed by a later offset. */
  async post(update: FakeUpdate): Promise<void> {
    this.push(update);
    await this.until(() => !this.queue.pending.includes(update));
  }

  /** The next call of `method` that has no fault yet goes wrong like this. */
  fail(method: string, ...faults: readonly Fault[]): void {
    for (const fault of faults) this.#faults.push({ method, fault });
  }

  /** From now on every call is answered 401, as after /revoke. */
  revokeToken(): void {
    this.#revoked = true;
  }

  /** Resolves once `holds()` is true: looked at after every change, so no time is involved. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.queue.close();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const method = this.#methodOf(request.url ?? "");
      const body: unknown = JSON.parse((await text(request)) || "{}");
      this.calls.push(method);
      const fault = this.#nextFault(method);
      if (fault?.kind === "hang_up") request.socket.destroy();
      else if (fault?.kind === "refuse") throw new Refusal(fault);
      else answer(response, await this.#call(method, body, response), fault);
    } catch (error) {
      const refused = error instanceof Refusal ? error : badRequest(String(error));
      const { status, message: description, parameters } = refused;
      json(response, status, { ok: false, error_code: status, description, parameters });
    }
    this.#changed();
  }

  #methodOf(url: string): string {
    const { token, method } = /^\/bot(?<token>[^/]+)\/(?<method>\w+)$/.exec(url)?.groups ?? {};
    if (method === undefined) throw new Refusal({ status: 404, description: "Not Found" });
    if (token === this.token && !this.#revoked) return method;
    throw new Refusal({ status: 401, description: "Unauthorized" });
  }

  #nextFault(method: string): Fault | undefined {
    const index = this.#faults.findIndex((entry) => entry.method === method);
    return index < 0 ? undefined : this.#faults.splice(index, 1)[0]?.fault;
  }

  async #call(method: string, body: unknown, response: ServerResponse): Promise<unknown> {
    switch (method) {
      case "getMe":
        return { ...BOT, can_join_groups: true, can_read_all_group_messages: false };
      case "getUpdates":
        return this.#getUpdates(GetUpdates.parse(body), response);
      case "setWebhook":
        return this.#setWebhook(SetWebhook.parse(body));
      case "deleteWebhook":
        this.queue.setWebhook(undefined, JSON.stringify(body).includes('_updates":true'));
        return true;
      case "getWebhookInfo":
        return {
          url: this.queue.webhook?.url ?? "",
          has_custom_certificate: false,
          pending_update_count: this.queue.pending.length,
        };
      case "sendMessage":
        return this.#sendMessage(SendMessage.parse(body));
      case "setMyCommands":
        this.menu = SetMyCommands.parse(body).commands;
        return true;
      case "sendChatAction":
        return this.typing.push(this.#knownChat(SendChatAction.parse(body).chat_id)) > 0;
      default:
        throw new Refusal({ status: 404, description: "Not Found: method not found" });
    }
  }

  async #getUpdates(
    { offset, limit, timeout }: z.output<typeof GetUpdates>,
    response: ServerResponse,
  ): Promise<unknown> {
    if (this.queue.webhook !== undefined) {
      throw conflict(
        "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    }
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const updates = await this.queue.take(
      { offset, limit, timeoutMs: timeout * 1000 },
      gone.signal,
    );
    if (updates === "webhook") throw conflict("terminated by setWebhook request");
    if (updates !== "other_poll") return updates;
    throw conflict(
      "terminated by other getUpdates request; make sure that only one bot instance is running",
    );
  }

  #setWebhook(body: z.output<typeof SetWebhook>): true {
    if (!body.url.startsWith("https:") && !this.#httpWebhooks) {
      throw badRequest("bad webhook: An HTTPS URL must be provided for webhook");
    }
    if (!/^[A-Za-z0-9_-]{0,256}$/.test(body.secret_token ?? "")) {
      throw badRequest("secret token contains unallowed characters");
    }
    this.queue.setWebhook(
      {
        url: body.url,
        secret: body.secret_token,
        allowedUpdates: body.allowed_updates,
        maxConnections: body.max_connections,
      },
      body.drop_pending_updates,
    );
    return true;
  }

  #sendMessage(body: z.output<typeof SendMessage>): unknown {
    const chat = this.#knownChat(body.chat_id);
    if (!body.text.isWellFormed()) throw badRequest("strings must be encoded in UTF-8");
    const parsed =
      body.parse_mode === "HTML"
        ? parseTelegramHtml(body.text)
        : { ok: true as const, text: body.text };
    if (!parsed.ok) throw new Refusal({ status: 400, description: parsed.description });
    const visible = parsed.text.trim();
    if (visible === "") throw badRequest("message text is empty");
    if (visible.length > 4096) throw badRequest("message is too long");
    const messageId = 1000 + this.sent.length;
    this.sent.push({
      chat,
      thread: body.message_thread_id,
      text: visible,
      raw: body.text,
      parseMode: body.parse_mode,
      messageId,
    });
    return {
      message_id: messageId,
      date: 1_790_000_000,
      chat: { id: Number(chat) },
      text: visible,
    };
  }

  #knownChat(chat: string): string {
    if (!this.chats.has(chat)) throw badRequest("chat not found");
    return chat;
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function answer(response: ServerResponse, result: unknown, fault: Fault | undefined): void {
  if (fault?.kind === "accept_then_hang_up") response.socket?.destroy();
  else if (fault?.kind === "accept_then_502") {
    response.writeHead(502, { "Content-Type": "text/html" }).end("<html>502 Bad Gateway</html>");
  } else json(response, 200, { ok: true, result });
}

/** Starts the server on a free loopback port. */
export async function startFakeTelegram(options: FakeTelegramOptions = {}): Promise<FakeTelegram> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new FakeTelegram(server, options);
}

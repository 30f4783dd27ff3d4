/** Secrets on their way in: from a pipe, a file or a person, and never from an argument. */
import { open } from "node:fs/promises";
import { GatewayError } from "../../../shared/errors.ts";
import type { Io } from "../command.ts";

/** Plans are as long as this, and so are files of variables. Source: OpenClaw. */
export const MAX_PLAN_BYTES = 16 * 1024 * 1024;

/** @throws GatewayError invalid_request for what is no file, or more than `maxBytes`. */
export async function textOfFile(file: string, maxBytes: number): Promise<string> {
  try {
    await using handle = await open(file, "r");
    const facts = await handle.stat();
    if (!facts.isFile()) throw new GatewayError("invalid_request", `${file} is not a file`);
    const buffer = Buffer.alloc(Math.min(facts.size, maxBytes) + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, 0);
    if (bytesRead > maxBytes) throw tooMuch(file, maxBytes);
    return buffer.toString("utf8", 0, bytesRead);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("invalid_request", `${file} cannot be read`, { cause });
  }
}

/** All that is piped in. @throws GatewayError invalid_request when that is nobody, or too much. */
export async function textOfStdin({ input }: Io, maxBytes: number): Promise<string> {
  if (input === undefined) {
    throw new GatewayError("invalid_request", "pipe the value in, or name a file with it");
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const part = Buffer.from(chunk);
    bytes += part.byteLength;
    if (bytes > maxBytes) throw tooMuch("stdin", maxBytes);
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooMuch(what: string, maxBytes: number): GatewayError {
  return new GatewayError("invalid_request", `${what} has more than ${maxBytes} bytes`);
}

/** Without the line break that programs print behind a word; texts of several lines keep theirs. */
export function withoutFinalBreak(text: string): string {
  const line = text.replace(/\r?\n$/, "");
  return line.includes("\n") ? text : line;
}

/** Whether a person is there to be asked. */
export function isAskable({ input }: Io): boolean {
  return input?.isTTY === true;
}

/** @throws GatewayError canceled when whoever is asked goes away. */
export async function askSecret(name: string, io: Io): Promise<string> {
  const { Dialogue } = await import("../onboard/ask.ts");
  using dialogue = new Dialogue(io);
  const given = await dialogue.ask({ type: "text", message: `Value of ${name}`, sensitive: true });
  return typeof given === "string" ? given : "";
}

/** @throws GatewayError as `askSecret`. */
export async function isSure(message: string, io: Io): Promise<boolean> {
  const { Dialogue } = await import("../onboard/ask.ts");
  using dialogue = new Dialogue(io);
  return (await dialogue.ask({ type: "confirm", message, initialValue: false })) === true;
}

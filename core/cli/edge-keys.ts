import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags, settingsOf } from "./command.ts";
import { targetOf, TARGET_OPTIONS } from "./target.ts";

/** A rotation dials every relay anew, one after the other. */
const TIMEOUT_MS = "120000";

const List = z.object({
  keys: z.array(
    z.object({
      kid: z.string(),
      addedAt: z.number(),
      self: z.boolean(),
      relays: z.array(z.string()),
    }),
  ),
  unreachable: z.array(z.string()),
});
const OnRelays = z.object({ relays: z.array(z.string()) });
const Rotated = z.object({ old: z.string(), current: z.string() });

type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** What a person asked for: a method, its parameters, and how to say what came of it. */
interface Task {
  readonly method: string;
  readonly params: object;
  readonly tell: (payload: unknown) => readonly string[];
}

/** `sallyport edge keys …`; the arguments are those after `keys`. */
export const edgeKeys: Command = {
  usage: "edge keys list | own | add <public key> | rotate | revoke <kid> [--json]",
  summary: "Show and change which keys may dial in to the edge",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, {
      ...TARGET_OPTIONS,
      json: { type: "boolean" },
    });
    const { json = false } = values;
    if (positionals.join(" ") === "own") return tellOwn(values, json, io);
    const task = taskOf(positionals);
    if (task === undefined) {
      throw new GatewayError("invalid_request", `usage: sallyport ${edgeKeys.usage}`);
    }
    const payload = await call(task, values, io);
    const lines = task.tell(payload);
    if (json) io.out(JSON.stringify(payload));
    else for (const line of lines) io.out(line);
    return 0;
  },
};

/** What another core must be told before this machine's may dial in; no gateway has to run. */
async function tellOwn(flags: Flags, json: boolean, io: Io): Promise<number> {
  if (Object.keys(TARGET_OPTIONS).some((name) => flags[name] !== undefined)) {
    throw new GatewayError("invalid_request", "own is about this machine: it asks no gateway");
  }
  const { ownKey } = await import("./own-key.ts");
  const own = await ownKey(await settingsOf(io));
  const { kid, publicKey } = own;
  if (json) io.out(JSON.stringify(own));
  else {
    io.out(`public key  ${publicKey}`);
    io.out(`name        ${kid}`);
    io.out(`A core that the edge knows lets it in: npx sallyport edge keys add ${publicKey}`);
  }
  return 0;
}

function taskOf([action, value, ...rest]: readonly string[]): Task | undefined {
  if (rest.length > 0) return undefined;
  if (action === "list" && value === undefined) {
    return { method: "tunnel.keys.list", params: {}, tell: describeKeys };
  }
  if (action === "rotate" && value === undefined) {
    return { method: "tunnel.keys.rotate", params: {}, tell: describeRotation };
  }
  if (action === "add" && value !== undefined) {
    const tell = (payload: unknown): string[] => [`may dial in now: ${value}${placesOf(payload)}`];
    return { method: "tunnel.keys.add", params: { publicKey: value }, tell };
  }
  if (action === "revoke" && value !== undefined) {
    const tell = (payload: unknown): string[] => [`is shut out now: ${value}${placesOf(payload)}`];
    return { method: "tunnel.keys.revoke", params: { kid: value }, tell };
  }
  return undefined;
}

async function call({ method, params }: Task, flags: Flags, io: Io): Promise<unknown> {
  const { callGateway } = await import("./client.ts");
  const target = await targetOf({ timeout: TIMEOUT_MS, ...flags }, io);
  const answer = await callGateway(target, method, params);
  if (answer !== undefined) return answer.payload;
  throw new GatewayError(
    "core_offline",
    `no gateway at ${target.url}: keys are changed through it`,
  );
}

function describeKeys(payload: unknown): string[] {
  const { keys, unreachable } = List.parse(payload);
  return [
    ...keys.map(({ kid, addedAt, self, relays }) =>
      [kid, new Date(addedAt).toISOString(), relays.join(" "), ...(self ? ["this core"] : [])].join(
        "  ",
      ),
    ),
    ...(unreachable.length === 0 ? [] : [`could not be asked: ${unreachable.join(" ")}`]),
  ];
}

function describeRotation(payload: unknown): string[] {
  const { old, current } = Rotated.parse(payload);
  return [`this core dials with ${current} now; ${old} is shut out`];
}

function placesOf(payload: unknown): string {
  return ` (${OnRelays.parse(payload).relays.join(" ")})`;
}

/** What commands about devices and approvals do: through the gateway, or on its files while none runs. */
import { randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { resolvePaths } from "../config/paths.ts";
import type { Settings } from "../config/settings.ts";
import type { NamedMethod } from "../methods/method.ts";
import type { Store } from "../store/store.ts";
import { type Io, settingsOf } from "./command.ts";
import { nobodyAt } from "./nobody.ts";
import { elsewhereOf, isOfThisMachine, targetOf } from "./target.ts";

type Flags = Readonly<Record<string, string | boolean | undefined>>;

const DEFAULT_PORT = "18789";

/** Calls a method. @throws GatewayError */
export type Call = (method: string, params: object) => Promise<unknown>;

/** @throws GatewayError core_offline when a gateway somewhere else is meant and does not answer. */
export async function callerOf(flags: Flags, io: Io): Promise<Call> {
  // Who gives a gateway's credential means one that runs: where nobody ever set one up, its files
  // would be of use to none.
  const meansRunning = flags["token"] !== undefined || flags["password"] !== undefined;
  const isBare = meansRunning && !(await isSetUp(io));
  const port = flags["port"] ?? io.env["OPENCLAW_GATEWAY_PORT"] ?? DEFAULT_PORT;
  const elsewhere = isBare ? await elsewhereOf(flags, io) : undefined;
  const target = elsewhere ?? (await targetOf(isBare ? { ...flags, port } : flags, io));
  const { callGateway } = await import("./client.ts");
  return async (method, params) => {
    const answer = await callGateway(target, method, params);
    if (answer !== undefined) return answer.payload;
    if (isOfThisMachine(target) && !isBare) return onFiles(method, params, io);
    throw nobodyAt(target);
  };
}

/** Whether this machine has anything of a gateway: what it is told, or what it keeps. */
async function isSetUp(io: Io): Promise<boolean> {
  const { configPath, stateDir } = resolvePaths(io);
  const looks = [configPath, stateDir].map((path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(looks)).includes(true);
}

async function onFiles(method: string, params: object, io: Io): Promise<unknown> {
  const [{ openSqliteStore }, { commandLineContext }, settings] = await Promise.all([
    import("../store/sqlite/open.ts"),
    import("../methods/command-line.ts"),
    settingsOf(io),
  ]);
  await using store = await openSqliteStore({ stateDir: settings.stateDir, now });
  const methods = new Map(await methodsOn(store, settings));
  return await methods.get(method)?.call(params, commandLineContext(io.stop));
}

/** Nobody is connected to what does not run, … */
const nobody = (): boolean => false;
/** … and nobody hears of it. */
const ignore = (): void => undefined;
const now = (): number => Date.now();

async function methodsOn(store: Store, settings: Settings): Promise<readonly NamedMethod[]> {
  const { stateDir } = settings;
  const [{ DeviceBook }, { deviceMethods }, { approvalMethods }, { deviceKey, setupPartsOf }] =
    await Promise.all([
      import("../devices/book.ts"),
      import("../methods/devices/methods.ts"),
      import("../methods/approvals/methods.ts"),
      import("../gateway/auth/door.ts"),
    ]);
  const book = new DeviceBook({
    store: store.devices,
    key: () => deviceKey(stateDir),
    now,
    newId: randomUUID,
    isConnected: nobody,
    tell: ignore,
  });
  await book.ready;
  return [
    ...deviceMethods({
      book,
      isConnected: nobody,
      disconnect: ignore,
      now,
      ...setupPartsOf(() => settings),
    }),
    ...approvalMethods({ store, hub: { publish: ignore }, stateDir, now }),
  ];
}

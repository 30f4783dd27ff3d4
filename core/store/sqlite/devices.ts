import * as z from "zod";
import { jsonOrUndefined } from "../../../shared/json.ts";
import { Device, type DeviceStore, PairingRequest, SetupCode } from "../device.ts";
import type { Committer } from "./committer.ts";
import { type Row, textOf } from "./db.ts";
import { getFact, setFact } from "./facts.ts";

const DEVICES = "select record from device order by id";
const REQUESTS = "select record from device_request order by id";
const PUT_DEVICE = `
  insert into device (id, record) values (:id, :record)
  on conflict (id) do update set record = excluded.record`;
const ADD_REQUEST = "insert into device_request (id, record) values (:id, :record)";
const REMOVE_DEVICE = "delete from device where id = :id";
const CLEAR_REQUESTS = "delete from device_request";
/** They live for minutes and there are few: one fact holds all of them. */
const SETUP_CODES = "device-setup-codes";
const SetupCodes = z.array(SetupCode);

/** The port, in SQL. */
export class SqliteDevices implements DeviceStore {
  readonly #committer: Pick<Committer, "run">;

  constructor(committer: Pick<Committer, "run">) {
    this.#committer = committer;
  }

  devices(): Promise<Device[]> {
    return this.#committer.run((db) => db.all(DEVICES).flatMap((row) => recordOf(row, Device)));
  }

  requests(): Promise<PairingRequest[]> {
    return this.#committer.run((db) =>
      db.all(REQUESTS).flatMap((row) => recordOf(row, PairingRequest)),
    );
  }

  putDevice(device: Device): Promise<void> {
    const values = { id: device.deviceId, record: JSON.stringify(device) };
    return this.#committer.run((db) => db.run(PUT_DEVICE, values));
  }

  removeDevices(ids: readonly string[]): Promise<void> {
    return this.#committer.run((db) => {
      for (const id of ids) db.run(REMOVE_DEVICE, { id });
    });
  }

  setRequests(requests: readonly PairingRequest[]): Promise<void> {
    return this.#committer.run((db) => {
      db.run(CLEAR_REQUESTS);
      for (const request of requests) {
        db.run(ADD_REQUEST, { id: request.requestId, record: JSON.stringify(request) });
      }
    });
  }

  setupCodes(): Promise<SetupCode[]> {
    return this.#committer.run((db) => {
      const kept = SetupCodes.safeParse(jsonOrUndefined(getFact(db, SETUP_CODES) ?? ""));
      // Those that no version of ours wrote let nobody in.
      return kept.success ? kept.data : [];
    });
  }

  setSetupCodes(codes: readonly SetupCode[]): Promise<void> {
    return this.#committer.run((db) => setFact(db, SETUP_CODES, JSON.stringify(codes)));
  }
}

/** A record that no version of ours wrote lets nobody in. */
function recordOf<T extends z.ZodType>(row: Row, schema: T): z.output<T>[] {
  const parsed = schema.safeParse(JSON.parse(textOf(row, "record")));
  return parsed.success ? [parsed.data] : [];
}

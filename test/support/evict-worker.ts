/**
 * The edge with a relay that fails on demand. Text of a Worker: it is compiled for the edge's
 * runtime together with the edge's own source, which knows nothing of it.
 */
export const FAULTY_WORKER = `
import app, { Relay as Product } from "./edge/worker.ts";
import { CALL_HEADER, encodeCall } from "./edge/relay-call.ts";
import { LIMITS } from "./shared/limits.ts";

const realNow = Date.now;

export class Relay extends Product {
  #ctx;
  #failing = { prefix: "", times: 0 };
  #cursors = [];

  constructor(ctx, env) {
    const cursors = [];
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    const failing = { prefix: "", times: 0 };
    sql.exec = (statement, ...values) => {
      if (failing.times > 0 && statement.trimStart().startsWith(failing.prefix)) {
        failing.times -= 1;
        throw new Error("disk I/O error");
      }
      const cursor = exec(statement, ...values);
      cursors.push(cursor);
      return cursor;
    };
    super(ctx, env);
    this.#cursors = cursors;
    this.#ctx = ctx;
    this.#failing = failing;
  }

  async fetch(request) {
    const fault = request.headers.get("X-Test-Fault");
    return fault === null ? super.fetch(request) : this.#obey(JSON.parse(fault));
  }

  async #obey(fault) {
    switch (fault.kind) {
      case "abort":
        this.#ctx.abort("told to by a test");
        break;
      case "sql":
        this.#failing.prefix = fault.prefix;
        this.#failing.times = fault.times;
        break;
      case "rows": {
        // Of a statement that gives rows, known once they were all read.
        const rows = this.#cursors.splice(0).reduce((sum, cursor) => sum + cursor.rowsWritten, 0);
        return Response.json(rows);
      }
      case "query":
        return Response.json(this.#ctx.storage.sql.exec(fault.statement, ...fault.values).toArray());
      case "next-alarm":
        return Response.json(await this.#ctx.storage.getAlarm());
      case "lose-alarm":
        await this.#ctx.storage.deleteAlarm();
        break;
      case "ring-alarm":
        await this.#ctx.storage.deleteAlarm();
        await this.alarm();
        break;
    }
    return new Response("done");
  }
}

/** A call as the Worker makes it of a webhook it has verified. */
function handOver(request, { name, call }, env) {
  const headers = new Headers(request.headers);
  headers.delete("X-Test-Call");
  headers.set(CALL_HEADER, encodeCall(call));
  const stub = env.RELAY.get(env.RELAY.idFromName(name));
  return stub.fetch("https://relay.internal/hooks", { method: "POST", headers, body: request.body });
}

export default {
  async fetch(request, env, ctx) {
    const called = request.headers.get("X-Test-Call");
    if (called !== null) return handOver(request, JSON.parse(called), env);
    const text = request.headers.get("X-Test-Fault");
    if (text === null) return app.fetch(request, env, ctx);
    const fault = JSON.parse(text);
    if (fault.kind === "clock") {
      Date.now = () => realNow() + fault.aheadMs;
      return new Response("done");
    }
    if (fault.kind === "limits") {
      Object.assign(LIMITS, fault.limits);
      return new Response("done");
    }
    const stub = env.RELAY.get(env.RELAY.idFromName(fault.name));
    try {
      return await stub.fetch("https://relay.internal/", { headers: { "X-Test-Fault": text } });
    } catch (error) {
      if (fault.kind === "abort") return new Response("done");
      throw error;
    }
  },
};
`;

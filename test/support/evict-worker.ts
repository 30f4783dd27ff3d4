/**
 * The edge with a relay that fails on demand. Text of a Worker: it is compiled for the edge's
 * runtime together with the edge's own source, which knows nothing of it.
 */
export const FAULTY_WORKER = `
import app, { Relay as Product } from "./edge/worker.ts";
import { LIMITS } from "./shared/limits.ts";

const realNow = Date.now;

export class Relay extends Product {
  #ctx;
  #failing = { prefix: "", times: 0 };

  constructor(ctx, env) {
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    const failing = { prefix: "", times: 0 };
    sql.exec = (statement, ...values) => {
      if (failing.times > 0 && statement.trimStart().startsWith(failing.prefix)) {
        failing.times -= 1;
        throw new Error("disk I/O error");
      }
      return exec(statement, ...values);
    };
    super(ctx, env);
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

export default {
  async fetch(request, env, ctx) {
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

/**
 * The floor: the least that can be done on the way of a request, a Worker that asks a Durable
 * Object. Text of a Worker; it runs in the same runtime as the edge, configured the same way.
 */
export const FLOOR_SCRIPT = `import { DurableObject } from "cloudflare:workers";
const PIECE = new Uint8Array(65536).fill(120);
export class Floor extends DurableObject {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/upload") {
      let bytes = 0;
      for await (const piece of request.body) bytes += piece.byteLength;
      return Response.json({ bytes });
    }
    if (pathname === "/insert") {
      const { sql } = this.ctx.storage;
      sql.exec("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, body BLOB)");
      sql.exec("INSERT INTO kept (body) VALUES (?)", await request.arrayBuffer());
      return Response.json({ ok: true });
    }
    if (pathname !== "/download") return Response.json({ ok: true });
    let left = Number(searchParams.get("bytes"));
    return new Response(new ReadableStream({
      pull(controller) {
        const size = Math.min(left, PIECE.length);
        left -= size;
        controller.enqueue(PIECE.slice(0, size));
        if (left === 0) controller.close();
      },
    }));
  }
}
export default {
  fetch: (request, env) => env.FLOOR.get(env.FLOOR.idFromName("floor")).fetch(request),
};
`;

import type { Result, Router } from "hono/router";

interface Route<T> {
  readonly method: string;
  readonly fits: (path: string) => boolean;
  readonly handler: T;
}

/**
 * A router for a handful of paths: as they are, with one name at the end (`/hooks/:route`), and `*`.
 * A path with a slash behind it is another path. Each of Hono's own is larger than all the edge has
 * to route.
 */
export class ExactRouter<T> implements Router<T> {
  readonly name = "ExactRouter";
  readonly #routes: Route<T>[] = [];

  add(method: string, path: string, handler: T): void {
    this.#routes.push({ method, fits: fitOf(path), handler });
  }

  match(method: string, path: string): Result<T> {
    const fitting = this.#routes.filter(
      (route) => (route.method === method || route.method === "ALL") && route.fits(path),
    );
    return [fitting.map(({ handler }) => [handler, {}])];
  }
}

function fitOf(pattern: string): Route<unknown>["fits"] {
  if (pattern === "*" || pattern === "/*") return () => true;
  const [prefix = "", name] = pattern.split(":");
  if (name === undefined) return (path) => path === pattern;
  return (path) =>
    path.length > prefix.length && path.lastIndexOf("/") < prefix.length && path.startsWith(prefix);
}

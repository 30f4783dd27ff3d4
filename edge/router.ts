import { type Handle, notAllowed } from "./answer.ts";

export interface Route {
  /** As it is; with one name at its end, `/hooks/:route`; or `*`. */
  readonly path: string;
  /** As the `Allow` header names them; left out: all. */
  readonly methods?: readonly string[];
  readonly handle: Handle;
}

/**
 * A router for a handful of paths, in the order in which they are looked at. A path with a slash
 * behind it is another path, and so is one that is written with `%`: handlers see it as it was sent.
 *
 * @returns What gives a request to the first route of its path, if that has its method. HEAD is GET
 *   whose answer loses its body.
 */
export function routerOf(routes: readonly Route[]): (method: string, path: string) => Handle {
  const table = routes.map(({ path, methods, handle }) => ({
    fits: fitOf(path),
    methods: methods && new Set(methods.includes("GET") ? [...methods, "HEAD"] : methods),
    handle,
    refuse: (visit: Parameters<Handle>[0]) => notAllowed(visit, methods?.join(", ") ?? ""),
  }));
  return (method, path) => {
    const route = table.find(({ fits }) => fits(path));
    if (route === undefined) throw new Error("a router ends with *");
    return route.methods?.has(method) === false ? route.refuse : route.handle;
  };
}

function fitOf(pattern: string): (path: string) => boolean {
  if (pattern === "*") return () => true;
  const [prefix = "", name] = pattern.split(":");
  if (name === undefined) return (path) => path === pattern;
  return (path) =>
    path.length > prefix.length && path.lastIndexOf("/") < prefix.length && path.startsWith(prefix);
}

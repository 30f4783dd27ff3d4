import { expect, test } from "vitest";
import { cookieIn, cookieName, renewed, setCookie, withoutOurs } from "./cookie.ts";

test.each([
  ["https://edge.example", "__Host-sallyport"],
  ["https://127.0.0.1:8787", "__Host-sallyport"],
  ["http://localhost", "sallyport"],
  ["http://localhost:8787", "sallyport"],
  ["http://edge.localhost:8787", "sallyport"],
  ["http://127.0.0.1:8787", "sallyport"],
  ["http://[::1]:8787", "sallyport"],
  ["http://edge.example", undefined],
  ["http://192.168.1.7:8787", undefined],
  ["http://localhost.evil.example", undefined],
  ["http://127.0.0.1.evil.example", undefined],
  ["http://notlocalhost", undefined],
])("at %s the cookie is called %s", (origin, name) => {
  expect(cookieName(origin)).toBe(name);
});

test.each([
  ["alone", "sallyport=v", "v"],
  ["between others", "a=1; sallyport=v; b=2", "v"],
  ["with an equals sign in it", "sallyport=v=w", "v=w"],
  ["empty", "sallyport=", ""],
  ["twice", "sallyport=v; sallyport=w", undefined],
  ["twice and equal", "sallyport=v; sallyport=v", undefined],
  ["in two headers that became one", "a=1, sallyport=v", undefined],
  ["only with the prefix", "__Host-sallyport=v", undefined],
  ["only in capitals", "Sallyport=v", undefined],
  ["only as the start of a name", "sallyport2=v", undefined],
  ["only as a value", "a=sallyport=v", undefined],
  ["without a value", "sallyport", undefined],
  ["not there", "", undefined],
])("a cookie that is %s is read as it is meant", (_name, header, value) => {
  expect(cookieIn(header, "sallyport")).toBe(value);
});

test.each([
  ["a=1; b=2", "a=1; b=2"],
  ["sallyport=v", ""],
  ["__Host-sallyport=v", ""],
  ["sallyport=v; __Host-sallyport=w", ""],
  ["a=1; __Host-sallyport=v; b=2", "a=1; b=2"],
  ["__Host-sallyport=v; b=2", "b=2"],
  ["a=1;sallyport=v", "a=1"],
  ["a=1, __Host-sallyport=v", "a=1"],
  ["sallyport=v, a=1", "a=1"],
  ["sallyport =v; a=1", "a=1"],
  ["a=1; sallyport", "a=1"],
  ["a=sallyport; sallyport2=x; xsallyport=y", "a=sallyport; sallyport2=x; xsallyport=y"],
])("of the cookies %j go on %j", (header, rest) => {
  expect(withoutOurs(header)).toBe(rest);
});

test("with TLS the cookie has all that its prefix demands", () => {
  expect(setCookie("__Host-sallyport", "v", 60)).toBe(
    "__Host-sallyport=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
  );
  expect(setCookie("sallyport", "", 0)).toBe(
    "sallyport=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
  );
});

function answer(cacheControl: string): Response {
  return new Response("in", {
    status: 201,
    headers: [
      ["Set-Cookie", "theirs=1"],
      ["Cache-Control", cacheControl],
    ],
  });
}

test("a renewed cookie stands beside the others, and in no answer that a cache may share", () => {
  const plain = renewed(answer("private, max-age=60"), "sallyport=v");
  expect(plain.status).toBe(201);
  expect(plain.headers.getSetCookie()).toEqual(["theirs=1", "sallyport=v"]);
  for (const shared of ["public, max-age=60", "max-age=0, S-MaxAge=60"]) {
    expect(renewed(answer(shared), "sallyport=v").headers.getSetCookie()).toEqual(["theirs=1"]);
  }
});

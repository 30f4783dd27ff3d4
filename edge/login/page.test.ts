import { expect, test } from "vitest";
import { type LoginPage, renderLoginPage } from "./page.ts";

const HOSTILE = `"><script>alert('x')</script>&`;
const PAGES: readonly (readonly [string, LoginPage["content"]])[] = [
  ["form", { kind: "form", problem: undefined }],
  ["form after a failure", { kind: "form", problem: HOSTILE }],
  ["page of who is signed in", { kind: "signed_in", subject: HOSTILE, next: `/${HOSTILE}` }],
  ["page of an address that is not safe", { kind: "closed", problem: HOSTILE }],
];

test.each(PAGES)("the %s takes no text for markup", (_name, content) => {
  const html = renderLoginPage({ host: HOSTILE, nonce: "n", content });
  expect(html).not.toContain("<script");
  expect(html).not.toContain(HOSTILE);
});

test.each(PAGES)("the %s needs nothing from anywhere and no script", (_name, content) => {
  const html = renderLoginPage({ host: "edge.example", nonce: "n0", content });
  expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)|@import|<script|\son\w+=|javascript:/i);
  expect(html.match(/<style nonce="n0">/g)).toHaveLength(1);
  expect(html).not.toContain("style=");
  for (const [, url] of html.matchAll(/(?:href|src|action)="(?<url>[^"]*)"/g)) {
    expect(url).toMatch(/^(?:\/|data:image\/svg)/);
  }
});

function formWith(problem: string | undefined): string {
  return renderLoginPage({ host: "h", nonce: "n", content: { kind: "form", problem } });
}

test("the field has a label, and a failure is said aloud and tied to it", () => {
  expect(formWith(undefined)).toContain('<label for="token">');
  expect(formWith(undefined)).not.toContain('role="alert"');
  expect(formWith("No.")).toContain('<p id="problem" class="problem" role="alert">No.</p>');
  expect(formWith("No.")).toContain('aria-invalid="true" aria-describedby="problem"');
});

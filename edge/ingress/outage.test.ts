import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sendOutageAlert } from "./outage.ts";

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  for (const level of ["info", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => void lines.push(line));
  }
});
afterEach(() => vi.restoreAllMocks());

const alert = {
  afterMs: 60_000,
  url: "https://alerts.example/bot123:token/sendMessage",
  headers: [["Content-Type", "application/json"] satisfies [string, string]],
  body: '{"text":"the core is down"}',
};

/** Sends the alert to who answers so; resolves when that is done. */
async function alerted(answer: () => Promise<Response>): Promise<Request[]> {
  const requests: Request[] = [];
  const work: Promise<unknown>[] = [];
  sendOutageAlert(alert, {
    outageMs: 61_000,
    keepAlive: (one) => void work.push(one),
    fetch(url, init) {
      requests.push(new Request(url, init));
      return answer();
    },
  });
  await Promise.all(work);
  return requests;
}

test("the request goes out as it was made, to no other place, and the log does not say where", async () => {
  const [request] = await alerted(() => Promise.resolve(new Response("ok")));
  expect(request?.method).toBe("POST");
  expect(request?.url).toBe(alert.url);
  expect(request?.redirect).toBe("manual");
  expect(request?.headers.get("Content-Type")).toBe("application/json");
  expect(await request?.text()).toBe(alert.body);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "info", event: "outage_alert_sent", status: 200, outageMs: 61_000 },
  ]);
});

test.each([307, 401, 500])("an answer of %i is an error in the log", async (status) => {
  await alerted(() => Promise.resolve(new Response("no", { status })));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: "error", status }]);
});

test("nobody there is told to the log, without the address", async () => {
  await alerted(() => Promise.reject(new TypeError(`cannot reach ${alert.url}`)));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("outage_alert_failed");
  expect(lines[0]).not.toContain("token");
});

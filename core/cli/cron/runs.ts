import * as z from "zod";
import { type Io, parseFlags } from "../command.ts";
import { type Cell, table, timeText } from "../webhooks/table.ts";
import { countOf, invalid } from "./flags.ts";
import { jobIdOf } from "./job.ts";
import { COMMON_OPTIONS, lineTo } from "./line.ts";
import { spanText } from "./text.ts";

const text = { type: "string" } as const;
const OPTIONS = {
  ...COMMON_OPTIONS,
  id: text,
  limit: text,
  offset: text,
  status: text,
  "delivery-status": text,
  "run-id": text,
  query: text,
  sort: text,
} as const;
const HEAD = ["ENDED", "STATUS", "TOOK", "DELIVERY", "RUN", "WHAT CAME OF IT"] as const;

const Page = z.looseObject({
  entries: z.array(
    z.looseObject({
      ts: z.number(),
      status: z.string(),
      runId: z.string(),
      durationMs: z.number(),
      deliveryStatus: z.string(),
      summary: z.string().optional(),
      error: z.string().optional(),
    }),
  ),
  total: z.number(),
});
type Entry = z.output<typeof Page>["entries"][number];

/** `cron runs` */
export async function runs(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const wanted = positionals[0] ?? values.id;
  if ((wanted === undefined && values["run-id"] === undefined) || positionals.length > 1) {
    throw invalid("cron runs takes the id or the name of one job; try --help");
  }
  const params = {
    limit: countOf(values.limit ?? "50", "--limit"),
    offset: values.offset === undefined ? undefined : countOf(values.offset, "--offset"),
    status: values.status,
    deliveryStatus: values["delivery-status"],
    runId: values["run-id"],
    query: values.query,
    sortDir: values.sort,
  };
  using line = await lineTo(values, io);
  const id = wanted === undefined ? undefined : await jobIdOf(line, wanted);
  const payload = await line.call("cron.runs", { ...params, id });
  if (values.json === true) {
    io.out(JSON.stringify(payload));
    return 0;
  }
  const { entries, total } = Page.parse(payload);
  if (entries.length === 0) io.out("no runs");
  else for (const row of table(HEAD, entries.map(rowOf), io)) io.out(row);
  if (total > entries.length) io.out(`${entries.length} of ${total}`);
  return 0;
}

function rowOf({ ts, status, durationMs, deliveryStatus, runId, summary, error }: Entry): Cell[] {
  const colour = status === "ok" ? "green" : status === "error" ? "red" : "yellow";
  return [
    { text: timeText(ts), colour: "gray" },
    { text: status, colour },
    { text: spanText(durationMs) },
    { text: deliveryStatus },
    { text: runId },
    { text: error ?? summary ?? "", mayBeCut: true },
  ];
}

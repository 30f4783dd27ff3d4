import type { GatewayLine } from "../client.ts";
import { printable } from "../printable.ts";
import { invalid } from "./flags.ts";
import { listJobs } from "./list.ts";
import { Job } from "./text.ts";

/** Shorter beginnings of ids fit too many. */
const MIN_PREFIX = 4;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The job that is meant: by its id, by its name or by the first letters of its id. Pure. */
export function jobMeant(jobs: readonly Job[], wanted: string): Job {
  const ways: readonly ((job: Job) => boolean)[] = [
    ({ id }) => id === wanted,
    ({ name }) => name === wanted,
    ({ id }) => wanted.length >= MIN_PREFIX && id.startsWith(wanted),
  ];
  for (const way of ways) {
    const [job, other] = jobs.filter(way);
    if (other !== undefined) throw invalid(`${printable(wanted, 64)} fits several jobs: say an id`);
    if (job !== undefined) return job;
  }
  throw invalid(`there is no job ${printable(wanted, 64)}; sallyport cron list --all shows them`);
}

/** The same, of the gateway's jobs. */
export async function findJob(line: GatewayLine, wanted: string): Promise<Job> {
  const { jobs } = await listJobs(line, { includeDisabled: true });
  return jobMeant(
    jobs.map((job) => Job.parse(job)),
    wanted,
  );
}

/** Its id alone; whoever says one is not asked twice. */
export async function jobIdOf(line: GatewayLine, wanted: string): Promise<string> {
  return UUID.test(wanted) ? wanted : (await findJob(line, wanted)).id;
}

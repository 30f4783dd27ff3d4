/** Lists of runs are counted, and picked by how they ended, without reading what is known of each. */
export const CRON_LIST = `
  drop index cron_run_job;
  drop index cron_run_ended;
  create index cron_run_job on cron_run (job_id, ended_at, seq, status, delivery)
    where ended_at is not null;
  create index cron_run_ended on cron_run (ended_at, seq, status, delivery)
    where ended_at is not null;
`;

// Every page of the console, with something on it.
import type { Api, Job } from './api';

export interface Route {
  name: string;
  /** Where it is, once `prepare` has made sure that there is something to show. */
  path: (made: Made) => string;
  /** Seen by whoever is not signed in. */
  signedOut?: true;
  /** Shows nothing that changes, and so never asks again. */
  still?: true;
  /** Shows one thing, which is not there in an empty database. */
  one?: true;
}

/** What the pages show. */
export interface Made {
  completedJob: number;
  deadJob: number;
  waitingJob: number;
  domain: number;
}

export const routes: Route[] = [
  { name: 'login', path: () => '/login', signedOut: true, still: true },
  { name: 'password', path: () => '/account/password', still: true },
  { name: 'overview', path: () => '/admin' },
  { name: 'jobs', path: () => '/admin/jobs' },
  { name: 'backfill', path: () => '/admin/jobs/backfill' },
  { name: 'jobs-none', path: () => '/admin/jobs?state=running&q=nothing-like-this' },
  { name: 'jobs-filtered', path: () => '/admin/jobs?last=1h&kind=system.noop' },
  { name: 'jobs-bulk', path: (made) => `/admin/jobs/bulk?action=cancel&chosen=1&id=${made.waitingJob}`, one: true },
  { name: 'job-completed', path: (made) => `/admin/jobs/${made.completedJob}`, one: true },
  { name: 'job-dead', path: (made) => `/admin/jobs/${made.deadJob}`, one: true },
  { name: 'job-waiting', path: (made) => `/admin/jobs/${made.waitingJob}`, one: true },
  { name: 'queues', path: () => '/admin/queues' },
  { name: 'queue', path: () => '/admin/queues/system' },
  { name: 'workers', path: () => '/admin/workers' },
  { name: 'runbooks', path: () => '/admin/runbooks' },
  { name: 'runbook', path: () => '/admin/runbooks/breaker-open' },
  { name: 'runbook-gap', path: () => '/admin/runbooks/backfill-gap' },
  { name: 'alerts', path: () => '/admin/alerts' },
  { name: 'alert-rule', path: () => '/admin/alerts/success-rate' },
  { name: 'alert-rule-back-test', path: () => '/admin/alerts/success-rate/back-test' },
  { name: 'breakers', path: () => '/admin/breakers' },
  { name: 'breaker', path: () => '/admin/breakers/mcp' },
  { name: 'breaker-back-test', path: () => '/admin/breakers/mcp/back-test' },
  { name: 'providers', path: () => '/admin/providers' },
  { name: 'provider', path: () => '/admin/providers/mcp' },
  { name: 'dead-letters-bulk', path: () => '/admin/dead-letter-queue/bulk?action=retry' },
  { name: 'dead-letters', path: () => '/admin/dead-letter-queue' },
  { name: 'dead-letters-none', path: () => '/admin/dead-letter-queue?status=retry_scheduled' },
  { name: 'kill-switch', path: () => '/admin/kill-switch' },
  { name: 'exports', path: () => '/admin/exports' },
  { name: 'exports-chosen', path: (made) => `/admin/exports?domain=${made.domain}`, one: true },
  { name: 'config', path: () => '/admin/config' },
  { name: 'limit', path: () => '/admin/config/discovery_rpm?value=60' },
  { name: 'setting', path: () => '/admin/config/mcp_cb_cooldown_ms' },
  { name: 'logs', path: () => '/admin/logs' },
  { name: 'audit', path: () => '/admin/audit' },
  { name: 'audit-none', path: () => '/admin/audit?actor=nobody@example.com' },
  { name: 'schedules', path: () => '/admin/schedules' },
  { name: 'schedule', path: () => '/admin/schedules/cleanup', one: true },
  { name: 'schedule-preview', path: () => '/admin/schedules/cleanup?cron=30+2+*+*+*&zone=Europe%2FBerlin', one: true },
  { name: 'matviews', path: () => '/admin/matviews' },
  { name: 'users', path: () => '/admin/users' },
  { name: 'user', path: () => '/admin/users/ada@example.com', one: true },
  { name: 'tokens', path: () => '/admin/tokens' },
  { name: 'account', path: () => '/account' },
  { name: 'database', path: () => '/admin/database' },
  { name: 'database-tables', path: () => '/admin/database/tables?table=domains' },
  { name: 'backups', path: () => '/admin/database/backups' },
  { name: 'domains', path: () => '/domains' },
  { name: 'domains-none', path: () => '/domains?q=nothing-like-this' },
  { name: 'domain', path: (made) => `/domains/${made.domain}`, one: true },
];

/** Addresses at which there is nothing. */
export const lost = ['/admin/nowhere', '/admin/database/nothing', '/nowhere', '/admin/jobs/999999999', '/admin/jobs/x', '/admin/schedules/none', '/admin/alerts/none', '/domains/999999999'];

/** Makes something for every page to show. */
export async function prepare(api: Api): Promise<Made> {
  await api.signIn();
  const deadJob = await api.enqueue('system.fail', { message: 'The answer broke off after 512 bytes.\nline 2 of it' });
  const waitingJob = (
    await api.send<Job>('POST', '/api/jobs', { kind: 'system.noop', runAt: new Date(Date.now() + 3_600_000).toISOString() })
  ).id;
  const completedJob = await api.discover(20);
  await api.until(completedJob, 'completed');
  await api.until(deadJob, 'dead');
  await api.untilQuiet();
  const list = await api.send<{ domains: { id: number; mentions: number }[] }>('POST', '/api/fn/list_domains');
  const most = list.domains.sort((a, b) => b.mentions - a.mentions)[0];
  if (!most) throw new Error('the discovery found no domain');
  return { completedJob, deadJob, waitingJob, domain: most.id };
}

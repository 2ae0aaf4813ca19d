// The console's API, as an operator's script would use it, and the sandbox's fault dial.
import { expect, type APIRequestContext } from '@playwright/test';
import { admin, baseURL, sandboxURL } from './environment';

export interface Job {
  id: number;
  kind: string;
  state: 'scheduled' | 'available' | 'running' | 'completed' | 'cancelled' | 'dead';
  attempt: number;
  startedAt: string | null;
}

export interface DeadLetter {
  id: number;
  jobId: number;
  status: 'pending' | 'retry_scheduled';
  error: string;
}

export interface Queue {
  name: string;
  state: string;
  failed: number;
}

export interface Alert {
  id: number;
  rule: string;
  subject: string;
  acknowledgedBy: string | null;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export class Api {
  constructor(private readonly request: APIRequestContext) {}

  /** The answer's JSON; anything but success is an error that says what was answered. */
  async send<T>(method: Method, path: string, data?: unknown): Promise<T> {
    const headers = { origin: baseURL };
    const answer = await this.request.fetch(new URL(path, baseURL).href, { method, data, headers });
    const text = await answer.text();
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Signs in; the pages of the same context are signed in too. */
  async signIn(): Promise<void> {
    await this.send('POST', '/api/auth/login', admin);
  }

  async enqueue(kind: string, payload: object = {}): Promise<number> {
    return (await this.send<{ id: number }>('POST', '/api/jobs', { kind, payload })).id;
  }

  /** Starts a discovery; its job's number. */
  async discover(limit: number): Promise<number> {
    const action = { action: 'trigger_discovery', limit };
    return (await this.send<{ id: number }>('POST', '/api/admin/jobs', action)).id;
  }

  async job(id: number): Promise<Job> {
    return (await this.send<{ job: Job }>('GET', `/api/jobs/${id}`)).job;
  }

  /** Waits until the job has come to this state. */
  async until(id: number, state: Job['state']): Promise<void> {
    const now = async () => (await this.job(id)).state;
    await expect.poll(now, { message: `job ${id}`, timeout: 60_000 }).toBe(state);
  }

  /** Waits until no job of the pipeline is on its way. */
  async untilQuiet(): Promise<void> {
    const left = async () => {
      const queue = (state: string) => `/api/jobs?queue=domains&state=${state}&limit=1`;
      const pages = ['scheduled', 'available', 'running'].map((state) =>
        this.send<{ items: Job[] }>('GET', queue(state)),
      );
      return (await Promise.all(pages)).flatMap((page) => page.items).length;
    };
    await expect.poll(left, { message: 'jobs on their way', timeout: 90_000 }).toBe(0);
  }

  async untilBreaker(state: 'closed' | 'open'): Promise<void> {
    const now = async () => {
      const overview = await this.send<{ mcpCircuitBreaker: { state: string } }>('GET', '/api/admin/jobs');
      return overview.mcpCircuitBreaker.state;
    };
    await expect.poll(now, { message: 'breaker of mcp', timeout: 30_000 }).toBe(state);
  }

  async set(key: string, value: number): Promise<void> {
    await this.send('POST', '/api/admin/config', { key, value });
  }

  async deadLetters(): Promise<DeadLetter[]> {
    return (await this.send<{ items: DeadLetter[] }>('GET', '/api/admin/dead-letter-queue')).items;
  }

  async killSwitch(): Promise<{ active: boolean; changedAt: string | null }> {
    return this.send('GET', '/api/admin/kill-switch');
  }

  /** Turns the kill switch off, if a story left it on. */
  async release(): Promise<void> {
    if ((await this.killSwitch()).active) {
      await this.send('DELETE', '/api/admin/kill-switch', { reason: 'the story is over' });
    }
  }

  async queues(): Promise<Queue[]> {
    return (await this.send<{ queues: Queue[] }>('GET', '/api/admin/queues')).queues;
  }

  /** Lets a queue run, if it is held. */
  async resume(queue: string): Promise<void> {
    if ((await this.queues()).some(({ name, state }) => name === queue && state !== 'running')) {
      await this.send('POST', `/api/ops/queues/${queue}/resume`, { reason: 'the story is over' });
    }
  }

  /** Starts everything that a story has stopped. */
  async startFleet(): Promise<void> {
    interface Stoppable {
      stop: object | null;
    }
    interface Fleet extends Stoppable {
      workers: (Stoppable & { id: string })[];
      scheduler: Stoppable;
    }
    const { workers, stop, scheduler } = await this.send<Fleet>('GET', '/api/admin/workers');
    const stopped = workers.filter((worker) => worker.stop).map(({ id }) => id);
    if (stop) stopped.push('workers');
    if (scheduler.stop) stopped.push('scheduler');
    for (const part of stopped) {
      await this.send('POST', `/api/ops/workers/${part}/start`, { reason: 'the story is over' });
    }
  }

  /** The number of a post that was found. */
  async somePost(): Promise<number> {
    await this.until(await this.discover(1), 'completed');
    await this.untilQuiet();
    const done = '/api/jobs?kind=domains.harvesting&state=completed&limit=1';
    const { items } = await this.send<{ items: { payload: { postId: number } }[] }>('GET', done);
    if (!items[0]) throw new Error('no post was harvested');
    return items[0].payload.postId;
  }

  /** Changes a rule of the alerts. */
  async watch(rule: string, change: { threshold?: number; forMinutes?: number; enabled?: boolean }): Promise<void> {
    await this.send('POST', `/api/admin/alerts/rules/${rule}`, { action: 'change', ...change });
  }

  /** Makes a rule what it was at first. */
  async watchAsEver(rule: string): Promise<void> {
    const { changed } = await this.send<{ changed: boolean }>('GET', `/api/admin/alerts/rules/${rule}`);
    if (changed) await this.send('POST', `/api/admin/alerts/rules/${rule}`, { action: 'reset' });
  }

  async alerts(): Promise<Alert[]> {
    return (await this.send<{ firing: Alert[] }>('GET', '/api/admin/alerts')).firing;
  }

  /** Waits until an alert of this rule fires, or none does. */
  async untilAlert(rule: string, fires = true): Promise<void> {
    const now = async () => (await this.alerts()).some((alert) => alert.rule === rule);
    await expect.poll(now, { message: `an alert of ${rule}`, timeout: 90_000 }).toBe(fires);
  }

  /** Removes all dead letters. */
  async clearDeadLetters(): Promise<void> {
    await this.set('dlq_undo_seconds', 0);
    const clear = { action: 'delete', filter: {}, all: true, reason: 'another story begins', ratePerSecond: 1000 };
    if ((await this.deadLetters()).length > 0) await this.send('POST', '/api/admin/dead-letter-queue/bulk', clear);
    await expect.poll(async () => (await this.deadLetters()).length, { timeout: 30_000 }).toBe(0);
  }

  /** Turns the MCP provider's fault dial. */
  async dial(fault: { mode: string; status?: number; key?: string }): Promise<void> {
    await this.send('PUT', `${sandboxURL}/_faults/mcp`, fault);
  }
}

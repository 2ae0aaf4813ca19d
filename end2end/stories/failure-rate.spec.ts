// A failure rate walked from red to green (RB). First of all stories: it reads the whole last hour, in which others fail jobs.
import { expect, soon, test } from '../support/test';

test.beforeEach(async ({ api }) => {
  await api.signIn();
  await api.untilQuiet();
});

test('a kind that fails too often is paused from its runbook, mended, and verified', async ({ page, operator, api }) => {
  const kind = 'domains.harvesting';
  interface Metrics {
    metrics: { completed: number; failed: number }[];
  }
  const counted = async () => {
    const { metrics } = await api.send<Metrics>('GET', `/api/admin/jobs?type=${kind}&hours=24`);
    return metrics[0] ?? { completed: 0, failed: 0 };
  };
  // Posts that are not there, until less than 70 % of the harvests end well.
  const { completed, failed } = await counted();
  const missing = Math.max(10, Math.ceil(completed / 0.7 - completed - failed) + 3);
  const broken: number[] = [];
  for (let i = 0; i < missing; i++) broken.push(await api.enqueue(kind, { postId: 900_000_000 + i }));
  for (const job of broken) await api.until(job, 'dead');
  await api.watchAsEver('success-rate');
  await api.untilAlert('success-rate');
  // One that waits, so that there is something to keep from failing too.
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const waiting = await api.send<{ id: number }>('POST', '/api/jobs', { kind, payload: { postId: 1 }, runAt: later });

  await page.goto('/admin/runbooks/failure-rate');
  await expect(page.getByText('It is happening.')).toBeVisible();
  await expect(operator.step('Detection')).toContainText('Too few runs succeed in an hour: domains.harvesting');
  await expect(operator.step('Detection')).toContainText(/domains\.harvesting.*ended well in 24 h/s);
  await expect(operator.step('Diagnosis')).toContainText('Errors of class');
  await page.getByLabel('Reason to: Pause queue domains').fill('the posts are gone');
  await page.getByRole('button', { name: 'Pause queue domains' }).click();
  await expect(operator.notice('Queue domains is paused.')).toBeVisible();

  await api.send('POST', '/api/ops/queues/domains/resume', { reason: 'there are posts again' });
  await api.send('POST', `/api/jobs/${waiting.id}/cancel`);
  // Posts that are there, until 70 % end well again.
  const now = await counted();
  const enough = Math.ceil((0.7 * now.failed - 0.3 * now.completed) / 0.3) + 1;
  const harvest = { action: 'trigger_harvesting', postId: await api.somePost() };
  for (let i = 0; i < enough; i++) {
    await api.until((await api.send<{ id: number }>('POST', '/api/admin/jobs', harvest)).id, 'completed');
  }
  await operator.sees(() => expect(operator.step('Verification')).toContainText('Verified: all in order', soon));

  await api.untilAlert('success-rate', false);
  await api.watch('success-rate', { enabled: false });
  await api.set('dlq_undo_seconds', 0);
  const clear = { action: 'delete', filter: { kind }, reason: 'the story is over', ratePerSecond: 1000 };
  await api.send('POST', '/api/admin/dead-letter-queue/bulk', clear);
  await expect.poll(async () => (await api.deadLetters()).filter((letter) => broken.includes(letter.jobId)).length, { timeout: 30_000 }).toBe(0);
  await api.set('dlq_undo_seconds', 10);
});

// A runbook walked from red to green (RB): the provider fails, and the four steps are on one page.
import { Connections } from '../support/connections';
import { admin } from '../support/environment';
import { expect, soon, test } from '../support/test';

test.beforeEach(async ({ api }) => {
  await api.signIn();
  await api.untilQuiet();
});

test.afterEach(async ({ api }) => {
  await api.release();
  await api.dial({ mode: 'none' });
  for (const rule of ['no-discovery', 'slow-pages', 'database']) await api.watchAsEver(rule);
  await api.set('dlq_undo_seconds', 10);
  await api.set('matview_max_age_minutes', 15);
  await api.set('mcp_cb_failure_threshold', 5);
  await api.set('mcp_cb_cooldown_ms', 2_000);
});

test('an open breaker is detected, explained, mended, verified and written down', async ({ page, operator, api }) => {
  // So long that only a person closes it.
  await api.set('mcp_cb_cooldown_ms', 600_000);
  await api.set('mcp_cb_failure_threshold', 3);
  await api.dial({ mode: 'error', status: 500 });
  const jobs: number[] = [];
  for (let i = 0; i < 4; i++) jobs.push(await api.discover(1));
  await api.untilBreaker('open');

  // The alert leads there from every page.
  await api.untilAlert('breaker-open');
  await page.goto('/admin/jobs');
  await expect(page.getByText(/^\d+ critical alerts? fires?, and nobody takes care of (it|them) yet\.$/)).toBeVisible();
  await page.getByRole('link', { name: 'Open the alerts' }).click();
  await expect(operator.heading('Alerts')).toBeVisible();
  const alert = operator.row('Open the runbook').filter({ hasText: 'A breaker is not closed' });
  await alert.getByRole('button', { name: 'Take care of it' }).click();
  await expect(operator.notice('You take care of it now.')).toBeVisible();
  await operator.sees(() => expect(page.getByRole('link', { name: 'Open the alerts' })).toHaveCount(0, soon));
  await alert.getByRole('link', { name: 'Open the runbook' }).click();
  await expect(operator.heading('Breaker open')).toBeVisible();
  await expect(page.getByText('It is happening.')).toBeVisible();

  await page.getByLabel('Severity').selectOption('P2');
  await page.getByRole('button', { name: 'Take it on' }).click();
  await expect(operator.notice('You have taken it on.')).toBeVisible();
  await operator.sees(() => expect(page.getByRole('heading', { name: /^Run \d+: P2$/ })).toBeVisible(soon));

  await expect(operator.step('Detection')).toContainText('A breaker is not closed: mcp');
  await expect(operator.step('Detection')).toContainText(`${admin.email} takes care of it`);
  await expect(operator.step('Detection')).toContainText('no call goes out since');
  await expect(operator.step('Diagnosis')).toContainText('Last error of mcp');
  await expect(operator.step('Verification')).toContainText('Not yet');

  await api.dial({ mode: 'none' });
  await page.getByLabel('Reason to: Let calls to mcp go out').fill('their status page is green');
  await page.getByRole('button', { name: 'Let calls to mcp go out' }).click();
  await expect(operator.notice('The breaker of mcp is closed: calls go out.')).toBeVisible();
  for (const job of jobs) await api.until(job, 'completed');
  await operator.sees(() => expect(operator.step('Verification')).toContainText('Verified: all in order', soon));
  await expect(page.getByText('It is not happening.')).toBeVisible();
  await api.untilAlert('breaker-open', false);

  await page.getByLabel('What it was, and what is left to do').fill('their certificate had expired');
  await page.getByRole('button', { name: 'End the run' }).click();
  await expect(operator.notice('The run has ended.')).toBeVisible();
  await operator.sees(() => expect(page.getByRole('link', { name: /^Record of run/ }).first()).toBeVisible(soon));
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: /^Record of run/ }).first().click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^breaker-open-run-\d+\.md$/);
  const record = await (await download.createReadStream()).toArray();
  const text = Buffer.concat(record).toString();
  for (const part of ['Detection', 'Diagnosis', 'Mitigation | The breaker of mcp is closed', 'Verification', 'their certificate had expired']) {
    expect(text).toContain(part);
  }
});

test('jobs that nobody takes: the runbook names what holds them, and lets go', async ({ page, operator, api }) => {
  await api.send('POST', '/api/admin/kill-switch', { reason: 'a rehearsal' });
  await api.send('POST', '/api/ops/queues/system/pause', { reason: 'another rehearsal' });
  const job = await api.enqueue('system.noop');
  await api.untilAlert('kill-switch');
  await page.goto('/admin/alerts');
  await operator.row('kill switch').getByRole('link', { name: 'Open the runbook' }).click();
  await expect(operator.heading('Stuck jobs')).toBeVisible();
  await expect(operator.step('Detection')).toContainText('The kill switch is on: kill switch');
  await expect(operator.step('Diagnosis')).toContainText('on: a rehearsal');
  await expect(operator.step('Diagnosis')).toContainText('paused: another rehearsal');
  for (const lever of ['Release the kill switch', 'Resume queue system']) {
    await page.getByLabel(`Reason to: ${lever}`).fill('the rehearsal is over');
    await page.getByRole('button', { name: lever }).click();
    await operator.sees(() => expect(page.getByRole('button', { name: lever })).toHaveCount(0, soon));
  }
  await api.until(job, 'completed');
  await operator.sees(() => expect(operator.step('Verification')).toContainText('Verified: all in order', soon));
  await api.untilAlert('kill-switch', false);
});

test('dead letters that pile up are tried a few first, from their runbook', async ({ page, operator, api }) => {
  const post = await api.somePost();
  await api.clearDeadLetters();
  await api.dial({ mode: 'tool_error' });
  const jobs: number[] = [];
  for (let i = 0; i < 10; i++) {
    const harvest = { kind: 'domains.harvesting', payload: { postId: post }, maxAttempts: 1 };
    jobs.push((await api.send<{ id: number }>('POST', '/api/jobs', harvest)).id);
  }
  for (const job of jobs) await api.until(job, 'dead');
  await api.untilAlert('dead-letters');
  await page.goto('/admin/runbooks/dlq-growth');
  await expect(page.getByText('It is happening.')).toBeVisible();
  await expect(operator.step('Detection')).toContainText('Dead letters pile up');
  await expect(operator.step('Diagnosis')).toContainText('10 letters of class rejected');

  await api.dial({ mode: 'none' });
  const canary = page.locator('.remedies > li').first();
  await canary.getByRole('textbox').fill('the posts are there again');
  await canary.getByRole('button', { name: 'Try a few of 10' }).click();
  await expect(operator.notice(/^Bulk operation \d+ tries a few of 10 first\./)).toBeVisible();
  for (const job of jobs) await api.until(job, 'completed');
  await operator.sees(() => expect(operator.step('Verification')).toContainText('Verified: all in order', soon));
  await api.untilAlert('dead-letters', false);
});

test('a schedule that brings nothing is run and resumed from the runbook of the gap', async ({ page, operator, api }) => {
  test.slow(); // a minute goes by
  const schedule = '/api/admin/schedules/domains-discovery';
  await api.send('POST', schedule, { action: 'pause', reason: 'a rehearsal' });
  await api.watch('no-discovery', { threshold: 1 });
  await api.until(await api.discover(1), 'completed');
  await api.untilAlert('no-discovery');
  await page.goto('/admin/runbooks/backfill-gap');
  await expect(page.getByText('It is happening.')).toBeVisible();
  await expect(operator.step('Detection')).toContainText('Discovery brings nothing');
  await expect(operator.step('Diagnosis')).toContainText('Schedule domains-discovery');

  await page.getByLabel('Reason to: Resume domains-discovery').fill('the rehearsal is over');
  await page.getByRole('button', { name: 'Resume domains-discovery' }).click();
  await expect(operator.notice('Schedule domains-discovery ticks.')).toBeVisible();
  await page.getByLabel('Reason to: Run domains-discovery now').fill('not to wait for its tick');
  await page.getByRole('button', { name: 'Run domains-discovery now' }).click();
  await operator.sees(() => expect(operator.step('Verification')).toContainText('Verified: all in order', soon));
  await api.untilAlert('no-discovery', false);
});

test('slow pages: views that are too old are refreshed from their runbook', async ({ page, operator, api }) => {
  test.slow(); // a minute goes by
  const schedule = '/api/admin/schedules/materialized-views-refresh';
  await api.send('POST', schedule, { action: 'pause', reason: 'a rehearsal' });
  await api.send('POST', '/api/admin/matviews', { action: 'enable' });
  await api.set('matview_max_age_minutes', 1);
  await api.watch('slow-pages', { forMinutes: 0 });
  await api.untilAlert('slow-pages');
  await page.goto('/admin/runbooks/slow-pages');
  await expect(operator.step('Detection')).toContainText('older than 1 min: the plain views are read instead');
  await expect(operator.step('Detection')).toContainText('Pages are slow, or show what is old');
  await page.getByLabel('Reason to: Refresh the views now').fill('to see that it works');
  await page.getByRole('button', { name: 'Refresh the views now' }).click();
  await expect(operator.notice(/^The views are refreshed by job \d+\./)).toBeVisible();
  await operator.sees(() => expect(operator.step('Verification')).toContainText('Verified: all in order', soon));
  await api.untilAlert('slow-pages', false);
  await api.send('POST', '/api/admin/matviews', { action: 'disable' });
  await api.send('POST', schedule, { action: 'resume', reason: 'the story is over' });
});

test('database trouble: all jobs are stopped from its runbook until it has connections again', async ({ page, operator, api }) => {
  const connections = new Connections();
  try {
    await api.watch('database', { forMinutes: 0 });
    const inUse = async () => {
      const { detection } = await api.send<{ detection: { what: string; ok: boolean }[] }>('GET', '/api/admin/runbooks/database');
      return detection.find(({ what }) => what === 'Connections');
    };
    for (let i = 0; i < 500 && (await inUse())?.ok; i++) await connections.more();
    await api.untilAlert('database');
    await page.goto('/admin/runbooks/database');
      await expect(page.getByText('It is happening.')).toBeVisible();
    await expect(operator.step('Detection')).toContainText('Database trouble: Connections');
    await page.getByLabel('Reason to: Stop all jobs').fill('it is out of connections');
    await page.getByRole('button', { name: 'Stop all jobs' }).click();
    await expect(operator.notice('The kill switch is on: no job starts.')).toBeVisible();
    expect((await api.killSwitch()).active).toBe(true);

    connections.close();
    await operator.sees(() => expect(operator.step('Verification')).toContainText('Verified: all in order', soon));
    await api.untilAlert('database', false);
  } finally {
    connections.close();
  }
});
